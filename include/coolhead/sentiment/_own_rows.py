"""Labelled rows written for Coolhead; no line comes from a data set. Part of the training of the scorer `linear`."""

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
    "hi": (
        "bura buri bure kharab ghatiya bekar bekaar bakwas bakwaas ganda gandi gande zeher zehar dhokha dhoka dhokebaaz jhooth jhoot jhuth jhutha chor chori lootera loot beimaan badmash sharam besharam sharmnak "
        "gussa naraz naraaz dukh dukhi dard bimar bimaar ulti nafrat darr khatarnak galat ghalat paagal pagal bewakoof bewkoof gadha kutta kutte kamina kamine haram harami saala saale chutiya chutiye gaali nalayak "
        "fail faltu faaltu wahiyat nikamma nikamme barbaad barbad tabah maut rona roye pareshan pareshaan dushman gundagardi bhrasht bhrashtachar bhagoda laanat thoo boycott sadaa sadi badbu",
        "accha acha achha acchi achi acche badhiya badiya badhia mast zabardast jabardast shandar shaandar kamaal kamal lajawab behtareen behtarin sundar khoobsurat khubsurat pyara pyaara pyari pyaar pyar pasand "
        "khush khushi mubarak mubarakh badhai badhaai shukriya dhanyavad dhanyawad dhanyavaad jeet jeeta jeete jeetenge jai zindabad salaam salam swad swadisht mazedaar mazedar maza majaa maja shabash shabaash wah waah "
        "gajab gazab dildar dil imandar imaandar sachcha saccha asli hero best super cool nice good great love sahi mehnat tarakki umeed dua duaa ashirwad kripa rahat sukoon tazaa",
    ),
}  # fmt: skip
