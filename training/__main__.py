"""Makes all weights that ship, and their cards. Run: ``python -m training --data DIR``."""

from __future__ import annotations

from training import card, conduct, corpus, features, harm, language, sentiment

folder = corpus.place()
for step in (features, language, sentiment, conduct, harm):
    step.main(folder)
card.write("LICENSE")
