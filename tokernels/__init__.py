"""147 papers about tokens, each derived, implemented, tested and measured in one notebook

Modules:

- `tokernels.corpora`: Real text that any machine has: Python source, English technical prose, parallel messages in many languages, prompts, and long-context tasks with known answers.
- `tokernels.models`: A small real target model and its draft, trained by this notebook and shipped in the package, so that every example runs with no network and no GPU."""

__version__ = "0.1.0"
