"""147 papers about tokens, each derived, implemented, tested and measured in one notebook

Modules:

- `tokernels.bench`: Paired timing with a gate, rooflines measured on the spot, result files that name their hardware, and the tables drawn from them.
- `tokernels.cli`: One command that shows speculative decoding at work on a real model, one that lists the catalogue, one that measures.
- `tokernels.corpora`: Real text that any machine has: Python source, English technical prose, parallel messages in many languages, prompts, and long-context tasks with known answers.
- `tokernels.hooks`: The one room that touches transformers' machinery: caches that know their slots, masks for trees, attention functions with their masks, taps, layer ranges, noise keyed by position.
- `tokernels.kernels.commit`: After a draft tree is verified, move the accepted nodes' keys and values of all layers to their final cache rows, in one launch.
- `tokernels.kernels.core`: What all kernels share: they import without Triton, run in its interpreter on a CPU for tests, and are compiled on a GPU.
- `tokernels.kernels.epilogue`: What a verification step does with its logits: rank them for every node, choose the target's token, walk the draft tree, without leaving the device.
- `tokernels.kernels.select`: Score every cached token for one step, and choose the largest k of each row: exactly, in rising order, without sorting, in three launches.
- `tokernels.kernels.sparse_attention`: Exact attention over chosen rows of the cache: every key–value head has a list of its own, of tokens, pages or clusters, and only what is listed is read.
- `tokernels.kernels.template`: A draft tree of fixed shape, read from a table of likely successors in one launch, and the table's rows written back in another.
- `tokernels.kernels.tree_attention`: The nodes of a draft tree attend to a cached prefix and to their own ancestors, in one pass over the cache that runs near the memory limit of the GPU.
- `tokernels.kvcache.chapter`: Every method at the same budgets, on the same texts and tasks, in the same run: what it keeps of the quality, what it holds, and what a token costs.
- `tokernels.kvcache.core`: The chapter's ground: a cache that knows which token each of its rows holds, and two ways to make do with fewer of them, giving rows up or reading only some.
- `tokernels.kvcache.double_sparsity`: A few channels of the keys say which tokens matter. Read those channels of every token, and the rest of only a few tokens.
- `tokernels.kvcache.flash_dlm`: A model that fills in masks computes the whole text again in every step. Freeze the keys of what is finished, and let a small reader decide how many words may be written at once.
- `tokernels.kvcache.h2o`: A few tokens collect most of the attention. Keep those and the last ones, give up the rest, and the cache stops growing.
- `tokernels.kvcache.keyformer`: Once tokens are dropped, attention among the survivors is inflated and a poor judge of who should stay. Keyformer judges with noise added and with a temperature that rises while decoding.
- `tokernels.kvcache.kvcrush`: Eviction by importance wipes out whole kinds of tokens. Describe each token by which heads care for it, line the losers up by one distance, and keep every so-manieth of them.
- `tokernels.kvcache.squeezed_attention`: Most of a prompt is known before the question comes. Sort its keys into groups once; a question looks at the groups and reads only the tokens of those it needs.
- `tokernels.kvcache.tokenselect`: All heads vote on which old tokens matter, each with one vote. A few single tokens are read, and the choice is kept while the question hardly changes.
- `tokernels.laws`: Assertions that a method either satisfies or does not: same tokens, same distribution, same numbers, no bias, nothing lost, right limit.
- `tokernels.models`: A small real target model and its draft, trained by this notebook and shipped in the package, so that every example runs with no network and no GPU.
- `tokernels.papers`: What became of each of the 147 papers: its chapter, its class, how it is attached to a model, its main claim and what was measured.
- `tokernels.show`: Draft trees in the terminal, as a figure and step by step, and strips of tokens coloured by a value.
- `tokernels.speculate.aded`: Guess the next tokens from a table of three-word habits, search the table like a game tree, and correct the table with every token the model really writes.
- `tokernels.speculate.chapter`: The whole chapter on the same prompts, the same model and in the same run: one table, one picture, three sentences.
- `tokernels.speculate.chimera`: The model has already read the text: its last hidden states hold the long memory. To draft a few tokens more, it is enough to add what the last three tokens say and to let one layer of attention look back.
- `tokernels.speculate.clover`: Heads that guess several tokens ahead should hear what the head before them said. Clover passes the chosen token on, and one layer of attention prepares the state that all heads begin with.
- `tokernels.speculate.core`: The chapter's ground: a tree of drafted tokens, the exact rule that accepts some of them, and the one decoding loop that every drafter uses.
- `tokernels.speculate.del_dynamic_exit`: Where should a model leave its own layers to draft, and for how many tokens? Every round answers it anew: it has just shown what each layer would have drafted.
- `tokernels.speculate.draft_models`: A small model guesses, a large one checks: the draft model's own cache, the tree it grows, the laws it draws from, and pairs of models small enough to know every probability.
- `tokernels.speculate.dyspec`: A tree of guesses should be deep where the small model is sure and wide where it is not. Let every guess take the place that verification is most likely to come to.
- `tokernels.speculate.early_exit`: The first layers of a model already have an opinion on the next token. Let them draft, and let the other layers check what the first ones have begun.
- `tokernels.speculate.engine`: On a GPU a small model spends most of a decoding step waiting for launches. Record the whole step once, drafting, forward, verification and commit, and replay it.
- `tokernels.speculate.falcon`: A drafter that guesses two tokens at once need not guess them blindly: let the places of a block see each other, and hang the next block behind every guess worth it.
- `tokernels.speculate.heads`: A frozen model's hidden states know more than the next token. Store them once, train a small head on them, draft with it.
- `tokernels.speculate.hidden_transfer`: Guess the next tokens in the middle of the model, as states and not as words, and let the other layers finish the thought.
- `tokernels.speculate.judge_decoding`: The usual rule asks whether the large model would have said the same word. Ask instead whether the word is wrong: the large model has read it, and its state often shows that it noticed.
- `tokernels.speculate.kangaroo`: Leave the model early to draft, and leave the draft early when it is no longer sure. What is between the two exits is one layer of attention, trained in seconds here.
- `tokernels.speculate.lexical_unit_decoding`: Some words are certain before they are begun: the rest of a name, the end of a phrase. Put empty places behind the text, let the model fill them in one pass, and keep what it is sure of. Nobody checks.
- `tokernels.speculate.llmcad`: A small model keeps guessing while it is confident, and spreads its guesses over a few branches. How confident is confident enough? The last mistakes tell.
- `tokernels.speculate.lookahead_trie`: Text repeats itself: what followed these two tokens before will follow them again. A trie keeps all the continuations, and one call of the model checks many of them.
- `tokernels.speculate.osd`: Each rejected guess comes with the right answer: the large model has just said what it wanted there. Keep these answers, and train the small model on them between requests, while serving.
- `tokernels.speculate.ppd`: Put a few placeholders behind a text and read what the model says at them: guesses for words further ahead. Train the placeholders, a few hundred numbers, and nothing else.
- `tokernels.speculate.r2r`: A small model writes most words as the large one would, and one wrong word takes it elsewhere. Let it write, and have a tiny router call the large model for that word only.
- `tokernels.speculate.rasd`: A small model drafts a few tokens well; a text that has been seen before supplies many at once. Draft with both, and let the small model, which was asked anyway, throw out the copies that start wrong.
- `tokernels.speculate.reflective_verification`: Before you refuse a word, read the whole suggestion, and then look at it once more. The model is shown the draft twice, and what it says the second time has a vote.
- `tokernels.speculate.rsd`: If the first guess was wrong, guessing the same word again helps nobody. Draw the guesses without replacement, and reject them so that the text keeps its law.
- `tokernels.speculate.s2d`: A draft model that may stop early: each of its exits is a usable model, and every drafted token leaves at the first exit that is sure. The skipped layers catch up later, in one pass.
- `tokernels.speculate.skipdecode`: Late tokens can do with fewer layers than early ones. Fix in advance, by place alone, how many layers each token runs, skip the lower ones and not the upper ones, and batches and caches stay whole.
- `tokernels.speculate.spectr`: Draw several guesses of the next token instead of one, and choose among them so cleverly that the text keeps its law and one of them nearly always fits.
- `tokernels.speculate.speculative_jacobi_decoding`: A model that reads a whole window of guesses says at each of them what it would have written there. Draw those answers, and they are the next guesses. Remember what law they were drawn from, and they can be checked exactly.
- `tokernels.speculate.superposed_decoding`: An editor shows three ways to go on, and three ways cost three streams. Feed the model one blurred token instead, a mixture of the three last ones, and let all three texts grow from the one answer.
- `tokernels.speculate.token_recycling`: Every forward pass ranks the whole vocabulary and keeps one token. Keep the runners-up too: they are the best guesses for the next time the same token comes."""

__version__ = "0.1.0"
