"""Counts texts with the tokenizers of test/fixtures/tokenizers: a JSON list of texts in, counts by family out."""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer

folder = Path(__file__).resolve().parents[3] / "test" / "fixtures" / "tokenizers"
texts = json.load(sys.stdin)
counts = {
    family: [len(encoding.ids) for encoding in Tokenizer.from_file(str(folder / f"{family}.json")).encode_batch(texts)]
    for family in sys.argv[1:]
}
json.dump(counts, sys.stdout, separators=(",", ":"))
