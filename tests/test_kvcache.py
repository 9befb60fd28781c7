"""Every method of the cache on every kind of model: its dense limit, padded rows, beams, a second turn, drafted trees, and the model as it was."""
import importlib

import pytest
import torch

from tokernels.hooks import PositionNoise, cache_argument
from tokernels.kvcache.core import KVMethod, RandomSet, Window
from tokernels.laws import lossless
from tokernels.models import few_architectures, tiny
from tokernels.papers import Method, catalogue
from tokernels.speculate.token_recycling import TokenRecycling

ids = torch.randint(0, 257, (2, 40), generator=torch.Generator().manual_seed(0))
mask = torch.ones_like(ids)
mask[1, :7] = 0
settings = dict(do_sample=False, max_new_tokens=8, pad_token_id=0)


def of_paper(paper):
    module = importlib.import_module(f'tokernels.kvcache.{paper.slug}')
    return next((c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Method) and vars(c).get('slug') == paper.slug), None)


methods = [Window, RandomSet, *(c for p in catalogue() if p.chapter == 'kvcache' and p.status == 'works' if issubclass(c := of_paper(p) or object, KVMethod))]
everywhere = pytest.mark.parametrize('arch', few_architectures)
each = pytest.mark.parametrize('cls', methods, ids=lambda c: c.__name__)


def test_every_paper_that_works_has_its_class():
    assert [p.slug for p in catalogue() if p.chapter == 'kvcache' and p.status == 'works' and of_paper(p) is None] == []


@everywhere
@each
def test_a_full_budget_is_dense(cls, arch):
    m = tiny(arch)
    want = m.generate(ids, attention_mask=mask, **settings)
    with cls.full()(m): assert torch.equal(m.generate(ids, attention_mask=mask, **settings), want)
    beams = m.generate(ids, num_beams=2, **settings)
    with cls.full()(m): assert torch.equal(m.generate(ids, num_beams=2, **settings), beams)
    cache = cls.full().cache(m)
    first = m.generate(ids[:1], **{cache_argument: cache}, **settings)
    longer = torch.cat([first, ids[1:, :9]], 1)
    assert torch.equal(m.generate(longer, **{cache_argument: cache}, **settings), m.generate(longer, **settings))
    assert m.config._attn_implementation == 'sdpa'


@everywhere
@pytest.mark.parametrize('cls', [c for c in methods if not c.evicts], ids=lambda c: c.__name__)
def test_drafted_trees_keep_the_text_of_a_selecting_method(cls, arch):
    m = tiny(arch)
    with cls.full()(m): lossless(TokenRecycling(tree=8), m, [ids], max_new_tokens=8, attention_mask=mask, logits_processor=lambda: [PositionNoise(0.8)])


@pytest.mark.parametrize('cls', [c for c in methods if c.evicts], ids=lambda c: c.__name__)
def test_drafted_trees_on_an_evicting_method_raise(cls):
    m = tiny('llama')
    with cls.full()(m), pytest.raises((TypeError, ValueError), match='for good|cannot drop'): m.generate(ids[:1], custom_generate=TokenRecycling(tree=8), **settings)
    assert m.config._attn_implementation == 'sdpa' and not m._forward_hooks


@each
def test_what_attends_elsewhere_is_refused(cls):
    m = tiny('falcon')
    with cls.full()(m), pytest.raises(ValueError, match='outside the attention interface'): m.generate(ids, **settings)
    assert not m._forward_hooks and not m._forward_pre_hooks
