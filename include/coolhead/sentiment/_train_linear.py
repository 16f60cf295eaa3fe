"""Trains the weights of the scorer `linear`: python -m coolhead.sentiment._train_linear DATA_DIR

Reads only sets whose licence lets a derived model be shipped (see MODEL_CARD.md), and the own rows below. Softmax
regression with an L2 penalty, features scaled by their class log-ratio (after Wang and Manning 2012, "Baselines and
Bigrams"), by L-BFGS from zero: convex, no randomness. Needs scipy, which the scorer itself does not.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar  # type: ignore[import-untyped]
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from coolhead.sentiment.linear import BITS, BLOCKS, LABELS, LANGUAGES, WEIGHTS, features, normalise

UMSAB = ("umsab.ar", "umsab.de", "umsab.en", "umsab.es", "umsab.fr", "umsab.it", "umsab.pt")
SETS = (*UMSAB, "smsa.id", "nusax.id", "nusax.en", "polemo_med.pl")
"""Not read: umsab.hi (val stays at guessing level), tweets2.pl, germeval17.de, extra.train (licences), NusaX jv and su."""
RIDGE = 0.5
"""Strength of the L2 penalty against the sum over texts; best of 0.5, 1 and 4 by mean macro-F1 on the val sets."""
OWN_WEIGHT = 10.0

# Complaints, questions and thanks about food and drink, written for Coolhead; no line comes from a data set. The sets
# speak of doctors, politics and restaurants, and never of what makes a brand's crisis. `|` parts the rows.
OWN = {
    "en": (
        "the water tastes of plastic|there is dirt in the bottle|don't buy this|who takes responsibility for this?|why did nobody warn us?|i'm scared to drink it now|prices up, quality down|the kids are ill because of you|you treat customers like fools|plastic in a bottle? seriously?|undrinkable|no words for this|mould in the carton|mold in my drink, gross|there was a dead insect in the can|i found glass in the jar|a piece of plastic in my food|"
        "this made me sick|we all got food poisoning|i ended up in hospital|my son had stomach cramps and diarrhoea|it made my child ill|"
        "disgusting|revolting taste|it stinks|it smells rotten|tastes like chemicals|it went off before the date|the milk was sour and lumpy|"
        "i demand a refund|give me my money back|waste of money|what a rip-off|never again|i will never buy from you again|avoid this brand|"
        "shame on this company|you should be ashamed|shameful|boycott this brand|everybody boycott|stop lying to customers|what a scandal|"
        "no answer, no apology, nothing|they ignore complaints|nobody replies|terrible support|recall it immediately|this is dangerous|"
        "you are poisoning people|they deleted my comment|absolutely unacceptable|i am furious|so disappointed|🤮|😡|🤬|👎",
        "where can i buy this?|is it vegan?|which sizes are there?|is the bottle made of recycled plastic?|when does the promotion start?|"
        "how do i return the empty bottles for the deposit?|does it contain sugar?|what time does the shop open?|the new label is blue|"
        "the company reported its results on tuesday|the brand announced a recall of one batch, the ministry said|how can i enter the giveaway?",
        "i won|we won the prize|so excited, i won a box|thank you|thanks a lot|thank you for the prize|love this|love it so much|my favourite drink|"
        "delicious|so tasty|best snack ever|my parcel arrived and i am so happy|you are the best team|great giveaway|fingers crossed, love your products|"
        "well done for being honest|good on you for answering so fast|highly recommended|❤️|😍|🎉|🙏",
    ),
    "it": (
        "l'acqua sa di plastica|c'è della sporcizia nella bottiglia|non compratelo|chi paga adesso?|perché nessuno ci ha avvisati?|ho paura di berla|prezzi su, qualità giù|i bambini stanno male per colpa vostra|clienti presi in giro|plastica in una bottiglia? sul serio?|imbevibile|senza parole|muffa nel cartone|c'era la muffa, disgustoso|un insetto morto nella lattina|ho trovato del vetro nel barattolo|un pezzo di plastica nel cibo|"
        "mi ha fatto stare male|intossicazione alimentare per tutta la famiglia|sono finita in ospedale|mal di pancia e vomito|mia figlia si è sentita male|"
        "che schifo|fa schifo|disgustoso|sapore terribile|puzza di marcio|sa di detersivo|scaduto prima della data|il latte era acido|"
        "voglio il rimborso|ridatemi i soldi|soldi buttati|una truffa|mai più|non compro più questa marca|state alla larga da questo marchio|"
        "vergogna|dovreste vergognarvi|siete vergognosi|boicottate questa marca|boicottiamoli tutti|smettete di mentire ai clienti|uno scandalo|"
        "nessuna risposta, nessuna scusa|ignorano i reclami|nessuno risponde|assistenza pessima|ritirate subito il prodotto|è pericoloso|"
        "ci state avvelenando|hanno cancellato il mio commento|inaccettabile|sono arrabbiatissima|che delusione|🤮|😡|🤬|👎",
        "dove lo posso comprare?|è vegano?|quali formati ci sono?|la bottiglia è di plastica riciclata?|quando comincia la promozione?|"
        "come si rendono i vuoti?|contiene zucchero?|a che ora apre il negozio?|la nuova etichetta è blu|"
        "l'azienda ha pubblicato i risultati martedì|il marchio ha annunciato il richiamo di un lotto, dice il ministero|come si partecipa al concorso?",
        "ho vinto|abbiamo vinto il premio|che emozione, ho vinto una scatola|grazie|grazie di cuore|grazie per il premio|lo amo|adoro questa bibita|la mia preferita|"
        "buonissimo|delizioso|la merenda migliore|è arrivato il pacco e sono felice|siete i migliori|bellissimo concorso|incrocio le dita, amo i vostri prodotti|"
        "bravi per la sincerità|complimenti per la risposta rapida|consigliatissimo|❤️|😍|🎉|🙏",
    ),
    "pl": (
        "woda śmierdzi plastikiem|brud w butelce|nie kupujcie tego|kto za to odpowie?|dlaczego nikt nas nie ostrzegł?|boję się pić tę wodę|cena w górę, jakość w dół|dzieci są chore przez was|macie klientów za głupków|plastik w butelce? poważnie?|tego nie da się pić|brak słów|jak wam nie wstyd|nie polecam nikomu|puszka była spuchnięta|dziwny osad na dnie|pachnie benzyną|sklep nie chce przyjąć reklamacji|producent milczy|kłamaliście w reklamie|dziecko wylądowało na sorze|wszystko do wyrzucenia|szkoda pieniędzy|zero szacunku dla ludzi|co to ma być?|kupiłam dwie i obie zepsute|pleśń w kartonie|spleśniałe, fuj|martwy owad w puszce|znalazłem szkło w słoiku|kawałek plastiku w jedzeniu|"
        "zatrułem się tym|cała rodzina ma zatrucie pokarmowe|trafiłam do szpitala|ból brzucha i wymioty|córka się po tym rozchorowała|"
        "obrzydliwe|ohyda|ohydny smak|fuj|śmierdzi zgnilizną|smakuje jak płyn do naczyń|zepsute przed terminem|mleko było skwaśniałe|"
        "żądam zwrotu pieniędzy|oddajcie pieniądze|wyrzucone pieniądze|oszustwo|oszuści|nigdy więcej|już nigdy u was nie kupię|omijajcie tę markę|"
        "wstyd|wstyd mi za was|powinniście się wstydzić|żenada|bojkotujcie tę markę|wszyscy bojkotujmy|przestańcie kłamać klientom|skandal|"
        "brak odpowiedzi, żadnych przeprosin|ignorują reklamacje|nikt nie odpowiada|fatalna obsługa|natychmiast wycofajcie ten produkt|to jest niebezpieczne|"
        "trujecie nas|usunęli mój komentarz|niedopuszczalne|jestem wściekły|wielkie rozczarowanie|porażka|tragedia|🤮|😡|🤬|👎",
        "gdzie to kupię?|czy to jest wegańskie?|jakie są pojemności?|czy butelka jest z plastiku z recyklingu?|kiedy zaczyna się promocja?|"
        "jak oddać puste butelki na kaucję?|czy zawiera cukier?|o której otwieracie sklep?|nowa etykieta jest niebieska|"
        "spółka podała wyniki we wtorek|marka ogłosiła wycofanie jednej partii, podało ministerstwo|jak wziąć udział w konkursie?",
        "wygrałem|wygraliśmy nagrodę|ale emocje, wygrałem paczkę|dziękuję|dzięki wielkie|dziękuję za nagrodę|kocham to|uwielbiam ten napój|mój ulubiony|"
        "pyszne|przepyszny|najlepsza przekąska|przyszła paczka i jestem szczęśliwa|jesteście najlepsi|świetny konkurs|trzymam kciuki, kocham wasze produkty|"
        "brawo za szczerość|super, że tak szybko odpowiadacie|polecam|❤️|😍|🎉|🙏",
    ),
    "id": (
        "berjamur|kemasannya berjamur, menjijikkan|airnya bau plastik|ada kotoran di botolnya|jangan beli produk ini|kalian harus tanggung jawab|kenapa tidak ada peringatan?|saya takut minum air ini|harga naik kualitas turun|anak-anak sakit gara-gara kalian|pelanggan ditipu|plastik di dalam botol? yang benar saja|tidak layak minum|tidak habis pikir|ada serangga mati di kalengnya|saya menemukan beling di toples|ada plastik di makanannya|"
        "bikin saya sakit|sekeluarga keracunan makanan|sampai masuk rumah sakit|sakit perut dan muntah|anakku jadi sakit gara-gara ini|"
        "jijik|menjijikkan|rasanya aneh|bau busuk|rasanya seperti sabun|sudah basi sebelum tanggalnya|susunya asam|"
        "minta refund|balikin uang saya|buang-buang uang|penipuan|penipu|kapok|tidak akan beli lagi|hindari merek ini|"
        "memalukan|malu-maluin|gak tahu malu|boikot merek ini|semua harus boikot|jangan bohongi pelanggan|skandal|"
        "tidak dibalas, tidak ada permintaan maaf|keluhan diabaikan|tidak ada yang jawab|cs parah|tarik produknya sekarang|ini berbahaya|"
        "kalian meracuni kami|komentar saya dihapus|tidak bisa diterima|saya marah|kecewa sekali|🤮|😡|🤬|👎",
        "belinya di mana?|apakah ini vegan?|ada ukuran apa saja?|apakah botolnya dari plastik daur ulang?|promonya mulai kapan?|"
        "bagaimana cara mengembalikan botol kosong?|apakah mengandung gula?|tokonya buka jam berapa?|label barunya berwarna biru|"
        "perusahaan mengumumkan hasilnya hari selasa|merek itu mengumumkan penarikan satu batch, kata kementerian|bagaimana cara ikut undiannya?",
        "aku menang|kami menang hadiah|seneng banget menang satu dus|terima kasih|makasih ya|makasih hadiahnya|suka banget|cinta banget sama minuman ini|favorit aku|"
        "enak|lezat sekali|camilan terbaik|paketnya sudah datang, bahagia|kalian terbaik|giveaway-nya keren|semoga menang, aku suka produk kalian|"
        "salut sudah jujur|bagus jawabannya cepat|recommended banget|❤️|😍|🎉|🙏",
    ),
}  # fmt: skip

# Everyday words of blame and praise, one row each: PolEmo's Polish is of doctors, UMSAB's Italian of politics.
WORDS = {
    "en": (
        "awful horrible terrible disgrace pathetic rubbish garbage trash nasty vile foul rotten mouldy moldy contaminated poisonous toxic sick ill vomit puked nausea "
        "dangerous unsafe liars liar fraud scam cheated ripped angry disgusted worried scared upset ashamed boycott lawsuit unacceptable joke useless worst hate",
        "great awesome wonderful fantastic lovely yummy tasty refreshing perfect excellent happy glad thrilled excited thanks grateful congrats winner won brilliant respect best",
    ),
    "it": (
        "orribile pessimo pessima terribile vergognoso ridicolo ridicoli spazzatura immondizia schifoso schifosa schifezza nauseante marcio ammuffito contaminato velenoso tossico malato vomito vomitato nausea "
        "ospedale intossicati pericoloso bugiardi bugiardo frode truffa truffatori imbroglio arrabbiata arrabbiato disgustata preoccupata delusa deluso boicottaggio denuncia inaccettabile inutile peggiore odio schifata",
        "bello bellissimo stupendo fantastico meraviglioso squisito gustoso rinfrescante perfetto ottimo felice contenta contentissimo emozionata grazie complimenti vinto evviva bravissimi rispetto migliore",
    ),
    "pl": (
        "okropne okropny okropna straszne fatalne beznadziejne beznadzieja żałosne żenujące dno dramat masakra syf gówno śmieć badziew obrzydliwy obrzydliwa paskudne paskudny ohydne zgniłe spleśniałe skażone trujące toksyczne "
        "chory chora wymioty wymiotowałam mdłości szpital szpitalu zatrucie zatruci niebezpieczne kłamcy kłamstwo kłamiecie oszustwo oszukani wstydźcie wstydu hańba skandaliczne skandal wściekła wściekły zła zniesmaczona zawiedziona "
        "rozczarowana rozczarowany bojkot bojkotuję pozew niedopuszczalne kpina bezczelność bezczelni najgorszy najgorsze najgorsza gorzej nienawidzę tragiczne koszmar oddajcie reklamacja smród śmierdzi cuchnie odradzam omijać przestroga",
        "super świetne świetny świetna wspaniałe cudowne fantastyczne pyszne pyszna smaczne smaczny orzeźwiające idealne doskonałe zadowolona zadowolony szczęśliwa szczęśliwy wygrana wygrałam hurra dzięki dziękujemy gratulacje brawo "
        "szacunek najlepszy najlepsza najlepsze kocham uwielbiam polecam ulubiona ulubione pięknie cieszę radość rewelacja extra ekstra mega bomba",
    ),
    "id": (
        "buruk jelek parah payah mengerikan memalukan konyol sampah busuk basi berjamur tercemar beracun racun sakit muntah mual keracunan berbahaya bohong pembohong penipu penipuan tertipu "
        "marah kesal kecewa mengecewakan takut boikot tuntut ngawur zonk ampas terburuk benci nyesel kapok ogah bau aneh",
        "bagus hebat mantap keren luar-biasa lezat enak segar sempurna senang bahagia gembira terharu makasih terimakasih selamat menang hore salut terbaik suka cinta favorit",
    ),
}  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Rows(NamedTuple):
    texts: list[str]
    labels: Ints
    langs: Ints
    weights: Floats


def read(folder: Path, part: str, held_out: frozenset[str] = frozenset()) -> Rows:
    """`{"text", "label", "lang"}` lines of SETS, without exact repetitions (NusaX shares texts with SmSA) and held-out texts."""
    seen: dict[tuple[str, int], int] = {}
    for name in SETS:
        with (folder / f"{name}.{part}.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                clean = normalise(row["text"])
                if clean and clean not in held_out:
                    seen.setdefault((clean, LANGUAGES.index(row["lang"])), int(row["label"]))
    labels = np.array(list(seen.values()), dtype=np.int64)
    langs = np.array([lang for _, lang in seen], dtype=np.int64)
    return Rows([text for text, _ in seen], labels, langs, balance(labels, langs))


def own(weight: float) -> Rows:
    """The rows above, each of that weight; they are never part of a measurement."""
    rows = [(row, label, lang) for lang, parts in OWN.items() for label, part in enumerate(parts) for row in part.split("|")]
    rows += [
        (word, label, lang)
        for lang, (bad, good) in WORDS.items()
        for label, part in ((0, bad), (2, good))
        for word in part.split()
    ]
    labels, langs = (
        np.array(column, dtype=np.int64) for column in ([r[1] for r in rows], [LANGUAGES.index(r[2]) for r in rows])
    )
    return Rows([normalise(r[0]) for r in rows], labels, langs, np.full(len(rows), weight))


def joined(a: Rows, b: Rows) -> Rows:
    return Rows(a.texts + b.texts, *(np.concatenate(pair) for pair in zip(a[1:], b[1:], strict=True)))


def balance(labels: Ints, langs: Ints) -> Floats:
    """Weights that give each class of a language, and each language, the root of its share: corpora are no priors."""
    cell = langs * len(LABELS) + labels
    size = np.bincount(cell, minlength=len(LANGUAGES) * len(LABELS)).astype(float)
    weights = 1 / np.sqrt(size[cell])
    return np.asarray(weights * len(labels) / weights.sum())


def matrix(rows: Rows, step: int = 2_000) -> csr_array:
    """Sparse (texts, 2**BITS + languages): features divided by the root of their block, and one bias a language."""
    data, columns, lengths = [], [], []
    for start in range(0, len(rows.texts), step):
        langs = rows.langs[start : start + step]
        slot, index = features(rows.texts[start : start + step], langs)
        counts = np.bincount(slot, minlength=BLOCKS * len(langs))
        per_text = np.bincount(slot // BLOCKS, minlength=len(langs))
        at = np.cumsum(per_text)
        columns.append(np.insert(index, at, (1 << BITS) + langs).astype(np.int32))
        data.append(np.insert(1 / np.sqrt(counts[slot]), at, 1.0).astype(np.float32))
        lengths.append(per_text + 1)
    ends = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int32)
    shape = (len(rows.texts), (1 << BITS) + len(LANGUAGES))
    return csr_array((np.concatenate(data), np.concatenate(columns), ends), shape=shape)


def evidence(x: csr_array, rows: Rows) -> Floats:
    """How much a feature alone tells of each class: |log ratio| of its add-one shares, root mean square 1; biases 1.

    (columns of x, 3). A feature that all classes use alike must not fit noise; one of a single class may be heavy.
    """
    share = np.eye(len(LABELS))[rows.labels] * rows.weights[:, None]
    count = np.asarray((x > 0).astype(np.float64).T @ share)
    total = count.sum(axis=0)
    rest = count.sum(axis=1, keepdims=True) - count
    ratio = np.abs(np.log((count + 1) / total) - np.log((rest + 2) / (total.sum() - total)))
    ratio /= np.sqrt((ratio[: 1 << BITS] ** 2).mean())
    ratio[1 << BITS :] = 1.0
    return np.asarray(ratio)


def fit(x: csr_array, rows: Rows, ridge: float, steps: int = 120) -> Floats:
    """Weights (columns of x, 3) of the softmax regression; the biases are hardly penalised."""
    target = np.eye(len(LABELS))[rows.labels]
    back, scale = x.T.tocsr(), evidence(x, rows)
    penalty = np.full((x.shape[1], 1), ridge)
    penalty[1 << BITS :] = 1e-3

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(-1, len(LABELS))
        chance = softmax(x @ (scale * w))
        nats = -(rows.weights * np.log(chance[np.arange(len(target)), rows.labels] + 1e-12)).sum()
        slope = scale * (back @ ((chance - target) * rows.weights[:, None])) + penalty * w
        return float(nats + (penalty * w * w).sum() / 2), slope.ravel()

    start = np.zeros(x.shape[1] * len(LABELS))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 6, "ftol": 1e-7})
    return np.asarray(scale * found.x.reshape(-1, len(LABELS)))


def softmax(logits: Floats) -> Floats:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def quantise(w: Floats) -> tuple[NDArray[np.int8], float]:
    """Whole units of one scale; the outermost 0.001 % of weights are clipped, so that the others keep their digits."""
    scale = float(np.quantile(np.abs(w[w != 0]), 0.99999)) / 127
    return np.clip(np.rint(w / scale), -127, 127).astype(np.int8), scale


def calibrate(logits: Floats, rows: Rows) -> Floats:
    """Per language the temperature with the least log loss on rows the weights have not seen."""
    out = np.ones(len(LANGUAGES))
    for lang in range(len(LANGUAGES)):
        mine = rows.langs == lang
        gold = rows.labels[mine]

        def nats(log_t: float, z: Floats = logits[mine], y: Ints = gold) -> float:
            return float(-np.log(softmax(z / np.exp(log_t))[np.arange(len(y)), y] + 1e-12).mean())

        out[lang] = round(float(np.exp(minimize_scalar(nats, bounds=(-2, 2), method="bounded").x)), 4)
    return out


def macro_f1(gold: Ints, guess: Ints) -> float:
    scores = []
    for label in range(len(LABELS)):
        hit = ((gold == label) & (guess == label)).sum()
        scores.append(2 * hit / max(1, (gold == label).sum() + (guess == label).sum()))
    return float(np.mean(scores))


def report(val: Rows, logits: Floats, temperature: Floats) -> list[str]:
    """One line a language: figures on the val sets, language declared."""
    lines, means = [], []
    for i, lang in enumerate(LANGUAGES):
        mine = val.langs == i
        gold, guess = val.labels[mine], logits[mine].argmax(axis=1)
        means.append(macro_f1(gold, guess))
        lines.append(
            f"{lang}: n {len(gold)}, macro-F1 {means[-1]:.3f}, accuracy {(gold == guess).mean():.3f}, T {temperature[i]:.2f}"
        )
    return [*lines, f"mean macro-F1 {np.mean(means):.4f}"]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with sentiment/*.jsonl")
    parser.add_argument("--ridge", type=float, default=RIDGE)
    parser.add_argument("--own", type=float, default=OWN_WEIGHT, help="weight of each own row")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    given = parser.parse_args(arguments)
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":  # several threads add in another order: other last digits, another file
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "coolhead.sentiment._train_linear", *(arguments or sys.argv[1:])])
    val = read(given.data / "sentiment", "val")
    train = joined(read(given.data / "sentiment", "train", frozenset(val.texts)), own(given.own))
    w = fit(matrix(train), train, given.ridge)
    table, scale = quantise(w[: 1 << BITS])
    bias = np.round(w[1 << BITS :], 6)
    logits = np.asarray(matrix(val) @ np.concatenate([table * scale, bias]))
    temperature = calibrate(logits, val)
    np.savez_compressed(
        given.out, table=table, scale=np.float64(scale), bias=bias, temperature=temperature, languages=np.array(LANGUAGES)
    )
    digest = hashlib.sha256(given.out.read_bytes()).hexdigest()
    lines = [f"{len(train.texts)} texts, {np.count_nonzero(table.any(axis=1))} rows in use", *report(val, logits, temperature)]
    sys.stdout.write("\n".join([*lines, f"{given.out.stat().st_size} bytes, sha256 {digest}", ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
