"""The forms a name takes in a sentence: Biedronka, Biedronki, Biedronce; Indonesian -nya; German -s; Arabic al-, wa-.

By rules on the name's own ending, because names are in no dictionary: the libraries there are (Morfeusz and
polish-inflection, pymorphy, simplemma) know dictionary words only, and stemmers (Snowball, Sastrawi) cut Motivi, motivo
and motivazione to one stem, which would drag ordinary words in. A form that nobody writes does no harm; what is left out
is what is another word, such as the bare stem of a genitive plural (Bata, bat).

Rules are those of the market's languages, and only of the script they write. English, French, Italian, Portuguese and
Spanish need none: names have no cases there, and possessive 's and elided l', dell', d' end at the apostrophe, which is a
word boundary. Plurals in -s are left out, being ordinary words too often (Plays, Oranges).
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

MIN_LETTERS = 4
"""A shorter name is not inflected: so little is left of it that other words begin alike. A word of a longer name may have
one less."""

Rule = tuple[re.Pattern[str], tuple[tuple[str, ...], ...]]
"""What the word ends in, and what stands there instead: eleven cases, each with its alternatives."""

_LATIN, _CYRILLIC = "a-zà-žß", "а-яёіїєґ"
_VOWEL = "[aeiouyąęóáéíúýěů]"
_CONSONANT = r"[^\W\d_aeiouyąęóáéíúýěůаеёиоуыэюяіїєйь]"


def _rules(table: str) -> tuple[Rule, ...]:
    """From lines `ending = genitive dative accusative instrumental locative vocative, plural nominative genitive dative
    instrumental locative`. `/` parts alternatives, `-` is none, V a vowel, C a consonant. The first ending that fits counts.
    """
    out = []
    for line in filter(None, map(str.strip, table.splitlines())):
        ending, _, cells = line.partition(" = ")
        pattern = ending.replace("V", _VOWEL).replace("C", _CONSONANT)
        cases = tuple(tuple(x for x in cell.split("/") if x != "-") for cell in cells.split())
        out.append((re.compile(f"(?:{pattern})$"), cases))
    return tuple(out)


# A vocative in -o stands for names in -ka only (Żabko!); of others it is another word too often (Mila, miło).
_POLISH = _rules("""
(?<=V)ka = ki ce kę ką ce ko ki k kom kami kach
ka = ki ce kę ką ce ko ki ek kom kami kach
ga = gi dze gę gą dze - gi - gom gami gach
cha = chy sze chę chą sze - chy - chom chami chach
ra = ry rze rę rą rze - ry - rom rami rach
ła = ły le łę łą le - ły - łom łami łach
la = li li lę lą li - le - lom lami lach
sta = sty ście stę stą ście - sty - stom stami stach
ta = ty cie tę tą cie - ty - tom tami tach
da = dy dzie dę dą dzie - dy - dom dami dach
(?<=V)ja = i i ję ją i - je - jom jami jach
ja = ji ji ję ją ji - je - jom jami jach
ia = ii/i ii/i ię ią ii/i - ie - iom iami iach
(?<=[cżz])a = y y/ie ę ą y/ie - e/y - om ami ach
(?<=[eou])a = i i ę ą i - e - om ami ach
a = y ie ę ą ie - y - om ami ach
(?:(?<=VC)|(?<=VCC))ek = ka kowi ka kiem ku ku ki ków kom kami kach
i?ec = ca/eca/ecu cowi ca cem/ecem cu cu ce ców com cami cach
k = ka/ku kowi ka kiem ku ku ki ków kom kami kach
g = ga/gu gowi ga giem gu gu gi gów gom gami gach
ł = ła/łu łowi ła łem le le ły łów łom łami łach
st = sta/stu stowi sta stem ście/cie ście sty stów stom stami stach
r = ra/ru rowi ra rem rze rze ry rów rom rami rach
t = ta/tu towi ta tem cie cie ty tów tom tami tach
d = da/du dowi da dem dzie dzie dy dów dom dami dach
x = xa/xu/ksa/ksu xowi/ksowi xa/ksa xem/ksem xie/ksie xie/ksie xy/ksy xów/ksów xom/ksom xami/ksami xach/ksach
ń = nia/niu niowi nia niem niu niu nie ni/niów niom niami niach
ć = cia/ciu ciowi cia ciem ciu ciu cie ci/ciów ciom ciami ciach
(?<=[lj]) = a/u owi a em u u e ów/i om ami ach
(?:(?<=[chżzś][hz])|(?<=[chż])|(?<=[aeou]y)) = a/u owi a em u u e/y ów/y om ami ach
(?<=C) = a/u owi a em ie ie y ów om ami ach
(?<=[aeu])o = - - - - - - - - - - -
ko = ka ku - kiem ku - - - - - -
go = ga gu - giem gu - - - - - -
ro = ra ru - rem rze - - - - - -
to = ta tu - tem cie - - - - - -
do = da du - dem dzie - - - - - -
ło = ła łu - łem le - - - - - -
o = a u - em ie/u - - - - - -
ie = ia iu - iem iu - - - - - -
(?<!V)i = iego iemu iego im im - - ich im imi ich
(?<!V)y = ego emu ego ym ym - - ych ym ymi ych
""")
_POLISH_ADJECTIVES = _rules("""
(?<=[kg])a = iej iej ą ą iej - ie ich im imi ich
a = ej ej ą ą ej - e ych ym ymi ych
i = iego iemu iego im im - ie ich im imi ich
y = ego emu ego ym ym - e ych ym ymi ych
e = ego emu e ym ym - - ych ym ymi ych
""")
_CZECH = _rules("""
ka = ky ce ku kou ce ko ky ek kám kami kách
ga = gy ze gu gou ze go gy - gám gami gách
ha = hy ze/še hu hou ze/še ho hy - hám hami hách
ra = ry ře ru rou ře ro ry - rám rami rách
(?<=[ščžřcj])a = i i u ou i - e - ám ami ách
a = y ě/e u ou ě/e - y - ám ami ách
(?<=[ščžřcj]) = e i e em i i e ů ům i ích
(?<=[kgh]) = u/a u/ovi a em u u y ů ům y ách
(?<=C) = u/a u/ovi a em u/ě/e e y ů ům y ech
(?<=C)o = a u - em u/ě - - - - - -
""")
_SLOVAK = _rules("""
ka = ky ke ku kou ke - ky iek/ok kám kami kách
(?<=[ščžcj])a = e i u ou i - e - iam ami iach
a = y e u ou e - y - ám ami ách
(?<=C) = u/a u/ovi a om e/u/i - y/e ov om mi och
(?<=C)o = a u - om e/u - - - - - -
""")
_RUSSIAN = _rules("""
ка = ки ке ку кой/кою ке - ки ок/ек кам ками ках
(?<=[гхжчшщ])а = и е у ой/ою/ей е - и - ам ами ах
а = ы е у ой/ою е - ы - ам ами ах
ая = ой ой ую ой ой - ые ых ым ыми ых
ия = ии ии ию ией ии - ии ий иям иями иях
я = и е ю ей е - и - ям ями ях
[ыо]й = ого ому ого ым ом - ые ых ым ыми ых
ий = ого/его/ия ому/ему/ию ого/его/ия им/ием ом/ем/ии - ие их им ими их
й = я ю я ем е - и ев ям ями ях
ь = я/и ю/и я ем/ью е/и - и ей ям ями ях
ец = ца цу ца цом/цем це - цы цев цам цами цах
(?<=[гкхжчшщ]) = а у а ом/ем е - и ов/ей ам ами ах
(?<=C) = а у а ом е - ы ов ам ами ах
(?<=C)о = а у - ом е - - - - - -
""")
_UKRAINIAN = _rules("""
ка = ки ці ку кою ці ко ки ок кам ками ках
га = ги зі гу гою зі го ги - гам гами гах
а = и і у ою і - и - ам ами ах
ія = ії ії ію ією ії - ії ій іям іями іях
ь = я/ю ю/еві я ем і/ю - і ів ям ями ях
(?<=C) = а/у у/ові а ом і/у е и ів ам ами ах
(?<=C)о = а у - ом і - - - - - -
""")
_SERBO_CROATIAN = _rules("""
ka = ke ki/ci ku kom ki/ci ko ke ki kama kama kama
a = e i u om i - e - ama ama ama
(?<=C) = a u a om/em u e i/ovi - ima ima ima
(?<=C)o = a u - om u - - - - - -
""")
_SLOVENE = _rules("""
a = e i o o i - e - am ami ah
(?<=C) = a u a om/em u - i ov om i ih
(?<=C)o = a u - om u - - - - - -
""")
_CASES: Mapping[str, tuple[Rule, ...]] = {
    "pl": _POLISH, "cs": _CZECH, "sk": _SLOVAK, "ru": _RUSSIAN, "uk": _UKRAINIAN, "sl": _SLOVENE,
    **dict.fromkeys(("hr", "sr", "bs"), _SERBO_CROATIAN),
}  # fmt: skip
_ADJECTIVES: Mapping[str, tuple[Rule, ...]] = {"pl": _POLISH_ADJECTIVES}
_SURNAME = re.compile(r"(?:s|c|dz)ka$")  # a feminine name that is an adjective by form

# What is written together with a name: behind its last word, or before its first one.
_CLITICS = tuple("nya ny ku mu lah kah pun nyalah nyakah nyapun".split())
_BEHIND: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("id", "ms"), (f"[{_LATIN}]$", _CLITICS)),
    **dict.fromkeys(("de", "sv", "da", "nb", "nn", "no"), (f"[{_LATIN}](?<![sxzß])$", ("s",))),
}
_BEFORE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ar": ("[\u0620-\u064a]", tuple("ال و ف ب ل ك وال فال بال كال وب ول".split())),
    "he": ("[\u05d0-\u05ea]", tuple("ה ו ב ל כ מ ש וה וב ול ומ שה שב של כש".split())),
}


@lru_cache(maxsize=4096)
def forms(term: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The term first, then every other form that it takes in these languages, in its own spelling, each once.

    A term that begins with # or @ is a name of its own and has no other form.
    """
    plain = " ".join(unicodedata.normalize("NFC", term).split())
    found = [plain]
    if not plain.startswith(("#", "@")):
        pieces = re.split(r"([\s\-]+)", plain)
        for language in languages:
            found += _declined(pieces, language)
            found += _attached(plain, pieces, language)
    return tuple(dict.fromkeys(found))


def _declined(pieces: Sequence[str], language: str) -> Iterator[str]:
    """Each word in the same case, or as it is: w Zielonej Żabce, w Media Expercie."""
    if language not in _CASES:
        return
    words = pieces[::2]
    tables = [_paradigm(w, language, len(words) > 1) if i < 3 else () for i, w in enumerate(words)]
    for case in range(11):
        cells = [(w, *(table[case] if table else ())) for w, table in zip(words, tables, strict=True)]
        for chosen in itertools.product(*cells):
            gaps = [*pieces[1::2], ""]
            yield "".join(word + gap for word, gap in zip(chosen, gaps, strict=True))


def _paradigm(word: str, language: str, one_of_several: bool) -> tuple[tuple[str, ...], ...]:
    """The word in eleven cases; empty where no rule fits."""
    script = _CYRILLIC if language in ("ru", "uk") else _LATIN
    if not _inflects(word, MIN_LETTERS - one_of_several) or not re.search(f"[{script}]$", word.lower()):
        return ()
    rules = [_CASES[language]]
    if language in _ADJECTIVES and (one_of_several or _SURNAME.search(word.lower())):
        rules.append(_ADJECTIVES[language])
    tables = [_cases_of(word, r) for r in rules]
    return tuple(tuple(itertools.chain(*cells)) for cells in zip(*filter(None, tables), strict=True))


def _cases_of(word: str, rules: tuple[Rule, ...]) -> tuple[tuple[str, ...], ...]:
    lower = word.lower()
    for ending, cases in rules:
        if found := ending.search(lower):
            stem = re.sub(r"ó(?=[^\Waeiouyąęó]+$)", "o", word[: found.start()])  # Kraków, w Krakowie
            return tuple(tuple(stem + (x.upper() if word.isupper() else x) for x in case) for case in cases)
    return ()


def _attached(plain: str, pieces: Sequence[str], language: str) -> Iterator[str]:
    """With what the language writes together with the name."""
    script, behind = _BEHIND.get(language, ("", ()))
    if behind and _inflects(pieces[-1]) and re.search(script, plain.lower()):
        yield from (plain + x for x in behind)
    script, before = _BEFORE.get(language, ("", ()))
    if before and _inflects(pieces[0]) and re.match(script, plain):
        yield from (x + plain for x in before)
        if plain.startswith("ال"):  # li- and al- become lil-
            yield "ل" + plain[1:]
    if language == "de" and re.search(r"[äöüÄÖÜ]", plain):
        yield plain.translate(_UMLAUTS)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def _inflects(word: str, least: int = MIN_LETTERS) -> bool:
    """A word of letters, long enough."""
    letters = re.sub(r"['’]", "", word)
    return len(letters) >= least and letters.isalpha()
