"""Trains the small tokenizers of test/fixtures/tokenizers, one for each family that the bound of a prompt stands on.

    python -m venv /tmp/tokenizers && /tmp/tokenizers/bin/pip install tokenizers==0.23.3
    /tmp/tokenizers/bin/python infra/checks/tokenizers/train.py

Each has the normalizer, pre-tokenizer and fall-back of its family. They are small on purpose: few merges make the
longest token sequences. The corpus is this repository's pages and some lines of other scripts.
"""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

root = Path(__file__).resolve().parents[3]
target = root / "test" / "fixtures" / "tokenizers"
vocabulary = 2_000

other_scripts = """
Der Fluß führt im Frühjahr Wasser über die Ufer, und die Brücke schließt.
L'été dernier, nous avons mangé des pâtes à la crème brûlée près du château.
Το καλοκαίρι πήγαμε στη θάλασσα και είδαμε τα νησιά από ψηλά.
Летом мы поехали к морю и увидели острова с высокого берега.
Mùa hè năm ngoái chúng tôi đã đi biển và thấy những hòn đảo từ trên cao.
去年夏天我们去了海边,从高处看到了岛屿。去年夏天我們去了海邊,從高處看到了島嶼。
去年の夏、私たちは海へ行き、高いところから島々を見ました。
지난여름 우리는 바다에 가서 높은 곳에서 섬들을 보았습니다.
في الصيف الماضي ذهبنا إلى البحر ورأينا الجزر من الأعلى.
בקיץ שעבר נסענו לים וראינו את האיים מלמעלה.
पिछली गर्मियों में हम समुद्र गए और ऊपर से द्वीप देखे।
ฤดูร้อนที่แล้วเราไปทะเลและเห็นเกาะจากที่สูง
""".strip().split("\n")


def read_corpus() -> list[str]:
    pages = sorted((root / "docs").rglob("*.md"))
    lines = [line for page in pages for line in page.read_text("utf-8").split("\n") if line]
    return lines + other_scripts * 40


def train_byte_level(corpus: list[str]) -> Tokenizer:
    """Qwen's and Llama 3's family: NFC, then a BPE over bytes; text outside of the vocabulary cannot be."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    words = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def train_byte_fallback(corpus: list[str]) -> Tokenizer:
    """Llama 2's, Mistral's and Gemma's family: SentencePiece's BPE, and bytes for what is not in the vocabulary."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    single_bytes = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<unk>", "<s>", "</s>", *single_bytes],
        limit_alphabet=120,
        show_progress=False,
    )
    words = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator((word for line in corpus for word, _ in words.pre_tokenize_str(line)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    # The bytes stand in the vocabulary, but nobody may write them out.
    raw = json.loads(tokenizer.to_str())
    raw["added_tokens"] = [token for token in raw["added_tokens"] if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(raw))


def train_unigram(corpus: list[str]) -> Tokenizer:
    """XLM-R's family, of most embedding models: NFKC, blanks as '▁' before each word, a mark at either end."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    # Each letter of the corpus, and those that NFKC writes the longest characters with.
    letters = sorted({letter for line in corpus for letter in line} | set("صلىاللهعليهوسلم"))
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=marks, unk_token="<unk>", initial_alphabet=letters, show_progress=False
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


families = {"byte-level": train_byte_level, "byte-fallback": train_byte_fallback, "unigram": train_unigram}

if __name__ == "__main__":
    target.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus()
    for name, train in families.items():
        path = target / f"{name}.json"
        path.write_text(json.dumps(json.loads(train(corpus).to_str()), ensure_ascii=True) + "\n", "ascii")
        print(name, path.stat().st_size, "bytes")
