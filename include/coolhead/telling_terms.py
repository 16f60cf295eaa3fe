"""What a text is told apart by: its words without brand, function words, addresses and names of people.

A term is kept as people wrote it (`pleśnią`, `batch 7`, `#boycott`); `stem` says which terms are the same word. Stems are
made without a dictionary and alike in all languages, so that the forms of a word meet, and often the word and its cousins in
other languages (plastik, plastica, plastics): accents away, a few endings off, cut after six letters (cutting words after
five or six letters is as good as a stemmer to group texts: F. Can et al., JASIST 59(3), 2008).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from coolhead.folding import UNSPACED, fold

MOST = 24
"""Terms kept of one text: the first ones."""
_CUT = 6
_READ = 2_000
"""Characters of a text that are looked at: what it is about stands in the beginning."""

_SKIPPED = re.compile(r"https?://\S+|www\.\S+|(?<!\w)@[\w.-]+(?:@[\w.-]+)?|&\w+;")
_WORD = re.compile(r"#?\w+(?:['’]\w+)*")
_ENDING = re.compile(r"(?:nya|'s|s|[aeiouy]+)$")
_ELIDED = re.compile(r"^[^\W\d]{1,6}'(?=\w{3})")  # l'olio, dell'acqua

# Function words, for a market that has no past yet to learn them from; each folded. Short on purpose: beyond these, what a
# market's mentions always say is left out by count (see topics.py).
_FUNCTION_WORDS = """
about after again all also always and any are aren't back because been before being both but can can't cannot could did didn't
does doesn't doing don't done down each even ever every few for from get getting give goes going gone got had has have haven't having her here him
his how i'm i've i'll i'd into is isn't it's its just keep know let like make many maybe more most much must need never not now off
once one only other our out over own per please put really same say says see she should since some still such take than that that's the their them then there
these they thing things think this those through today tomorrow too two under until upon use using very want was wasn't way well went were
what what's when where which while who whose why will with won't would yes yesterday yet you you're your yours you've he's we're they're
able anyone anything someone something everyone everything nothing nobody thank thanks hello hey

alla allo agli alle anche ancora avete aveva abbiamo anno avere bene che chi come con contro cosa cosi cui dai dal dalla dalle dallo
degli dei del della delle dello dentro dopo dove due ecco era ero essere fare fatto fino fra gli gia grazie hai hanno hoggi ieri
invece loro lui mai mia mie miei mio molto nei nel nella nelle nello noi non nostra nostro ogni oggi ora per perche pero piu
poi prima proprio puo qual quale quando quanto quella quelle quelli quello questa queste questi questo qui quindi sara senza sei sempre
siamo solo sono sopra sta stai stanno stata stati stato stessa stesso sto sua sue sugli sui sul sulla suo suoi tra tre troppo tua
tuo tutta tutte tutti tutto una uno vai voi vostra vostro domani stamattina stasera

ale albo bardzo bez beda bede bedzie bo byc byl byla bylo byly caly chce ciebie cos czy czyli dla dlaczego dobrze dopiero dwa dzis dzisiaj gdy
gdzie ich ile inne jak jaka jakie jako jakis jeden jedna jednak jednej jego jej jest jestem jestescie jeszcze juz kazdy kiedy kilka kto ktora ktore ktory
ktorych lub macie mam maja mamy mial mnie moga moge moj moja moje moze mozna mozna nad nami nas nasz nic nich nie nigdy nim niz
oraz oto pan pani poza potem prosze przed przez przy raz sam sama sie skad soba sobie swoj swoja swoje tak taka taki takie tam tego tej ten
teraz tez tobie tutaj tych tylko tym wam was wasz wasze wcale wiec wiem wszystko wszystkie wszyscy wczoraj wlasnie zawsze zaraz zeby znowu znow
trzy dzieki dziekuje rano

ada adalah agar aja aku akan anda apa apakah atau bagi bahkan bahwa banget baru belum banyak begini begitu bisa boleh buat bukan cuma dalam dan
dari dengan deh dia dong dua gak enggak hanya harus hari ingin ini itu jadi jangan jika juga kak kalau kalian kalo kami kan kapan karena
kata kayak kenapa kita kok lagi lah lain lebih lewat mana masih mau mereka nah nggak nih oleh pada paling para pernah
punya saat saja sama sampai sangat saya satu sebagai sebelum sedang seperti sekali selalu semua sempat sendiri siapa sih sini
sudah suka supaya tadi tanpa tapi tau tak telah tentang terus tetap tiga tidak tuh udah untuk waktu yang kemarin besok pagi makasih terima kasih

aber alle als auch auf aus bei bin bis bist das dass dein dem den der des die dies diese dir doch dort durch ein eine einem einen einer
euch fur habe haben hat hatte hier ich ihr ihre immer ist jetzt kann kein keine mal man mehr mein meine mich mir mit nach nicht nichts noch
nur oder ohne schon sehr sein seine seit sich sie sind uber und uns unter viel vom von vor war warum was wenn wer wie wieder wir wird wurde zum zur
aucun aussi autre avant avec avoir bien c'est car ces cet cette ceux chez comme dans depuis des deux donc elle elles encore est et ete etre eux fait
faire ici ils j'ai jamais leur les lui mais meme mes moi moins mon nos notre nous ont par pas peu plus pour pourquoi quand que quel quelle qui qu'il
sans ses son sont sous suis sur tes tous tout tres une vos votre vous
ahora algo ante antes aquel asi aunque cada como con cual cuando desde donde ella ellas ellos entre eran eres esa ese eso esta estaba estan estar este esto
estos estoy fue fueron hace hacer han hasta hay las los mas mis muy nada nadie nos nosotros otra otro para pero poco por porque puede pues que quien
ser sido siempre sin sobre soy sus tambien tan tiene tengo toda todo todos una unas uno unos usted vez
agora ainda ate bem com da das dele dela depois dos ela eles essa esse esta estou eu foi isso isto ja mais mas mesmo meu minha muito na nao nas nem
nos nossa num numa onde ou ouvir pela pelo pode pra quem sao sem ser seu seus sua suas tem tenho tudo uma umas vai voce voces
""".split()


class _Visible(dict[int, str]):
    """Code point -> itself, or nothing where nobody sees it; worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        # Of what folding drops, accents and enclosing signs are seen, and a stretched letter is, too.
        unseen = unicodedata.category(char) in ("Cf", "Mn") and not unicodedata.combining(char) and not fold(char)
        self[code] = "" if unseen else char
        return self[code]


_VISIBLE = _Visible()


def visible(text: str) -> str:
    """A text without zero-width signs, soft hyphens, marks of direction and the like, which part words that the eye sees whole.

    Also without the joiners between emoji: for what is read in words, a family is its members.
    """
    return text if text.isascii() else text.translate(_VISIBLE)


@lru_cache(maxsize=65_536)
def stem(term: str) -> str:
    """Which word a term is: plastics = Plastik = plastica; `batch 7` keeps its number."""
    folded = fold(term).lstrip("#").replace("’", "'")
    folded = _ELIDED.sub("", folded)
    word, space, number = folded.partition(" ")
    if UNSPACED.search(word) or word[:1].isdigit():
        return folded
    return _cut(word) + space + number


def _cut(word: str) -> str:
    if word.endswith("nya") and len(word) > _CUT:
        word = word[:-3]
    shorter = _ENDING.sub("", word[:_CUT]) if len(word) > 3 else word
    return shorter if len(shorter) >= 3 else word[:_CUT]


_COMMON = frozenset(_FUNCTION_WORDS)


def terms(text: str, left_out: frozenset[str] = frozenset()) -> list[str]:
    """Terms of a text as it writes them, lower case, in its order, each word once; at most MOST.

    left_out: stems that tell nothing, such as the brand's own names.
    """
    out: dict[str, str] = {}
    for term in _candidates(_SKIPPED.sub(" ", visible(text)[:_READ])):
        s = stem(term)
        if s not in left_out and s not in out:
            out[s] = term
            if len(out) == MOST:
                break
    return list(out.values())


def _candidates(text: str) -> Iterator[str]:
    before = ""
    for found in _WORD.finditer(text):
        word = found[0].lower()
        if UNSPACED.search(word):
            yield from _pairs(word)
        elif word.isdigit():
            if before and len(word) < 7:  # batch 7, lotto 4411
                yield f"{before} {word}"
        elif _tells(fold(word).replace("’", "'")):
            yield word
            before = word
            continue
        before = ""


def _pairs(word: str) -> Iterator[str]:
    """Of a script without spaces: every two signs that stand side by side."""
    return (word[i : i + 2] for i in range(len(word) - 1))


def _tells(folded: str) -> bool:
    bare = folded.lstrip("#")
    return len(bare) >= 3 and bare not in _COMMON and bare.replace("'", "") not in _COMMON and not bare.isdigit()


def stems_of(names: Iterable[str]) -> frozenset[str]:
    """Stems of every word of some names."""
    return frozenset(stem(w[0]) for name in names for w in _WORD.finditer(visible(name).lower().lstrip("#@")))


def named(forms: Mapping[str, Mapping[str, int]], weight: Callable[[str], float], most: int = 8) -> list[str]:
    """The most telling terms of some mentions, each in the form that is written most often, the most telling first.

    forms: stem -> form -> how often.
    """
    counts = {s: sum(written.values()) for s, written in forms.items()}
    ranked = sorted(counts, key=lambda s: (-counts[s] * weight(s), -len(s.split()), s))  # `batch 7` before `batch`
    best = [s for s in ranked if weight(s) > 0 and counts[s] >= min(2, max(counts.values()))]
    out: list[str] = []
    for s in best:
        form = min(forms[s], key=lambda f: (-forms[s][f], f))
        if not _told(form, out):
            out.append(form)
        if len(out) == most:
            break
    return out


def _told(form: str, already: list[str]) -> bool:
    """`batch` says nothing beside `batch 7`; of signs without spaces, pairs that overlap become one word."""
    if any(a.startswith(f"{form} ") for a in already):
        return True
    if not UNSPACED.match(form):
        return False
    for i, a in enumerate(already):
        if UNSPACED.match(a) and (a[-1] == form[0] or form[-1] == a[0]):
            already[i] = a + form[1:] if a[-1] == form[0] else form[:-1] + a
            return True
    return False
