"""Every drafter on every architecture, under both attentions, with an end token, a second turn and padded rows."""
import pytest
import torch

from tokernels.hooks import PositionNoise, cache_argument
from tokernels.laws import lossless
from tokernels.models import architectures, few_architectures, load, tiny
from tokernels.papers import catalogue
from tokernels.speculate.chapter import drafter_class
from tokernels.speculate.core import Autoregressive, decode
from tokernels.speculate.draft_models import Speculative
from tokernels.speculate.engine import Engine
from tokernels.speculate.static_tree import StaticTree
from tokernels.speculate.token_recycling import TokenRecycling

ids = torch.randint(0, 257, (3, 20), generator=torch.Generator().manual_seed(0))
mask = torch.ones_like(ids)
mask[1, :6] = mask[2, :3] = 0


own = [Autoregressive, Speculative, StaticTree, TokenRecycling]


def drafters():
    "The loop's own drafters, and that of every paper of the chapter that works."
    return own + [d for d in (drafter_class(p.slug) for p in catalogue() if p.chapter == 'speculate' and p.status == 'works') if d not in own]


def fresh(cls, arch='llama', size=257):
    "A new drafter, with a draft model of the same architecture and other weights where it needs one; a lossy one at its lossless limit."
    return cls.exact(*([tiny(arch, seed=1, vocab_size=size)] if cls.needs_draft else []))


def captured(cls, arch):
    "A new drafter for an engine, where a static tree's draft is a Llama whatever the target."
    return fresh(cls, 'llama' if cls is StaticTree else arch)


def model(arch, attention):
    if arch == 'gemma2' and attention == 'sdpa': pytest.skip('soft-capped logits exist under eager attention only')
    m = tiny(arch)
    m.set_attn_implementation(attention)
    return m


def everywhere():
    "The loop's own drafters on every architecture, the papers' on one of each kind."
    return [pytest.param(d, a, id=f'{d.__name__}-{a}') for d in drafters() for a in (architectures if d in own else few_architectures)]


@pytest.mark.parametrize('attention', ['sdpa', 'eager'])
@pytest.mark.parametrize('drafter, arch', everywhere())
class TestEverywhere:
    def test_padded_rows_with_noise_and_an_end_token(self, drafter, arch, attention):
        m = model(arch, attention)
        noise = lambda: [PositionNoise(0.9, top_p=0.9, seed=1)]
        text = m.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=16, logits_processor=noise())[:, 20:]
        lossless(fresh(drafter, arch), m, [ids], max_new_tokens=16, attention_mask=mask, eos_token_id=text[1, 5].item(), pad_token_id=0, logits_processor=noise)

    def test_second_turn_of_one_row(self, drafter, arch, attention):
        m, d = model(arch, attention), fresh(drafter, arch)
        first = decode(m, d, ids[:1], do_sample=False, max_new_tokens=14)
        assert torch.equal(m.generate(ids[:1], do_sample=False, max_new_tokens=14), first.sequences)
        longer = torch.cat([first.sequences, ids[1:2]], 1)
        want = m.generate(longer, do_sample=False, max_new_tokens=9)
        assert torch.equal(want, decode(m, d, longer, do_sample=False, max_new_tokens=9, past_key_values=first.past_key_values).sequences)


@pytest.mark.parametrize('arch', few_architectures)
@pytest.mark.parametrize('drafter', [d for d in drafters() if d.engine and d.batched], ids=lambda d: d.__name__)
class TestOnTheEngine:
    "The same on static caches, with the choices made for all nodes at once; without a GPU the steps run one by one."
    def test_padded_rows_with_noise_and_an_end_token(self, drafter, arch):
        m = tiny(arch)
        text = m.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=12)[:, 20:]
        lossless(Engine(m, captured(drafter, arch), capacity=256, batch=3, chunk=16), m, [ids], max_new_tokens=12, attention_mask=mask, eos_token_id=text[1, 5].item(), pad_token_id=0,
                 logits_processor=lambda: [PositionNoise(0.9, top_p=0.9, seed=1)])

    def test_second_turn(self, drafter, arch):
        m = tiny(arch)
        engine = Engine(m, captured(drafter, arch), capacity=256, chunk=16)
        first = decode(m, engine, ids[:1], do_sample=False, max_new_tokens=9)
        longer = torch.cat([first.sequences, ids[1:2]], 1)
        want = m.generate(longer, do_sample=False, max_new_tokens=9)
        assert torch.equal(want, decode(m, engine, longer, do_sample=False, max_new_tokens=9, past_key_values=first.past_key_values).sequences)


@pytest.mark.parametrize('arch', few_architectures)
@pytest.mark.parametrize('drafter', [d for d in drafters() if not d.lossless and d.texts == 1], ids=lambda d: d.__name__)
def test_lossy_texts_have_their_length_and_a_true_cache(drafter, arch):
    "Whatever a lossy method writes, the model has read exactly that."
    m = tiny(arch)
    d = drafter(tiny(arch, seed=1)) if drafter.needs_draft else drafter()
    out = decode(m, d, ids[:1], do_sample=False, max_new_tokens=12)
    assert out.sequences.shape == (1, 32) and torch.equal(out.sequences[:, :20], ids[:1]) and out.stats.tokens == 12
    held = out.past_key_values.get_seq_length()
    assert 20 <= held < 32
    with torch.no_grad():
        want = m(out.sequences).logits[:, -1]
        got = m(out.sequences[:, held:], attention_mask=torch.ones_like(out.sequences), **{cache_argument: out.past_key_values}).logits[:, -1]
    assert torch.allclose(want, got, rtol=1e-4, atol=1e-4)


def test_a_generator_seed_gives_the_text_of_generate():
    "One row draws from the global generator in the order of plain sampling, where the drafter draws nothing itself."
    m, tokenizer = load()
    inputs = tokenizer('class Queue:\n', return_tensors='pt')
    for cls in (d for d in drafters() if not (d.draws or d.needs_draft)):
        kwargs = dict(do_sample=True, temperature=0.8, top_p=0.95, max_new_tokens=24)
        torch.manual_seed(1); want = m.generate(**inputs, **kwargs)
        torch.manual_seed(1); assert torch.equal(want, m.generate(**inputs, custom_generate=cls.exact(), **kwargs))


def test_half_precision_rows_and_model_come_back():
    "bf16 runs, and the model keeps its attention, its mode and no hooks."
    m = tiny('llama').to(torch.bfloat16)
    for cls in drafters(): assert m.generate(ids[:1], custom_generate=fresh(cls), do_sample=False, max_new_tokens=8).shape == (1, 28)
    assert m.config._attn_implementation == 'sdpa' and not m.training and not m._forward_pre_hooks and not m._forward_hooks
