"""How people name the columns of tables, by what stands in them: one table for all tasks."""

import re
from collections.abc import Iterable, Sequence

# by role; where a table has several of the names, the one that stands first here is taken
NAMES = {
    role: tuple(names.split())
    for role, names in {
        # when a row was: a moment; a number that counts; a part of the calendar, where that alone tells
        "time": "timestamp datetime date_time date/time time date ts ds when unixtime unix_time epoch eventtime "
        "event_time createdat created_at invoicedate time_stamp timestamps times dates period_start zeitstempel "
        "zeitpunkt zeit datum uhrzeit datum_zeit horodatage horodate heure temps jour fecha_hora fechahora fecha hora "
        "tiempo data_ora data_hora data ora datum_tijd tijd czas дата_время дата время 时间 日期 時間 日時 日付 तारीख "
        "tarih zaman dato tid päivämäärä aika tidspunkt klokkeslæt klokkeslett tidpunkt klockslag tidsstämpel "
        "tidsstempel tijdstip tijdstempel znacznik_czasu data_e_hora stichtag messzeitpunkt data_godzina datum_a_čas "
        "datum_i_vrijeme dátum idő időpont čas vrijeme vreme dată dată_și_oră ημερομηνία ημ/νία ώρα χρόνος "
        "дата_и_время дата_та_час zaman_damgası tarih_saat tanggal tgl waktu tanggal_waktu ngày_tháng thời_gian "
        "ngày_giờ 날짜 일자 일시 시간 기준일 기준일자 날짜/시간 시각 年月日 時刻 時点 期日 日期时间 时刻 दिनांक तिथि "
        "समय วันที่ เวลา วันเวลา التاريخ تاريخ الوقت وقت تاریخ زمان תאריך זמן תאריך_ושעה datums kuupäev päiväys",
        "step": "t step elapsed elapsed_time time_elapsed",
        # a moment in one number, which is a time only where it can be read as such
        "stamp": "unix stamp dt period yrmo yearmonth year_month yearmon yearweek year_week yearquarter year_quarter "
        "yrqtr monat_jahr anneemois jahrmonat time_period period_time ref_period refperiod obs_time",
        "period": "second minute hour day week month quarter year sec seconds minutes hours days weeks months years",
        # times of day that stand beside a day, and the parts of a moment in a column each
        "clock": "time hour hours hr hh hhmm hhmmss clock time_of_day uhrzeit zeit stunde heure hora ora tijd uur czas "
        "godzina klokkeslæt klokkeslett klockslag время час 时间 時間 時刻 hourending hour_ending he hodina óra ora_zi "
        "tunti timme saat jam giờ 시 시간 時 时 时刻 ώρα година घंटा ชั่วโมง ساعة ساعت שעה hr_ending hrs klokke",
        "year": "year yr yyyy jahr année annee an año ano anno jaar rok год 年 yy år vuosi év yıl yil tahun năm 년 "
        "년도 연도 年份 年度 西暦 έτος рік godina leto anul वर्ष साल ปี السنة سنة عام سال שנה jahreszahl anio",
        "month": "month mon mm mo monat mois mes mês mese maand miesiąc месяц 月 mn maned måned månad kuukausi hónap "
        "měsíc mesiac mjesec mesec ay bulan tháng 월 月份 μήνας місяць luna luna_anului माह महीना เดือน شهر الشهر ماه "
        "חודש",
        "day": "day dd dom day_of_month mday tag jour día dia giorno dag dzień день 日 dy päivä nap den deň dan gün "
        "gun hari ngày 일 日にち ημέρα zi ziua दिन วัน يوم اليوم روز יום",
        "hour": "hour hours hr hh stunde heure hora ora uur godzina час 时 時 hodina óra tunti timme saat jam giờ 시 "
        "ώρα година घंटा ชั่วโมง ساعة الساعة ساعت שעה std",
        "minute": "minute minutes min mins minuto minuti minuut minuta mn mi mm perc minuutti минута 分 분 dakika "
        "menit phút λεπτό",
        "second": "second seconds sec secs sekunde seconde segundo secondo ss 秒 초",
        "day of the year": "doy yday dayofyear day_of_year julian_day_of_year jday julday julian julian_day yearday",
        "quarter": "quarter qtr q quartal trimestre kwartaal kwartał квартал kvartal kvartál trimester trimestru "
        "çeyrek triwulan quý 분기 季度 四半期 čtvrtletí štvrťrok negyedév τρίμηνο",
        "half": "half halfyear half_year semester semestre halbjahr hy półrocze полугодие pololetí félév halvår 半期 "
        "반기",
        "week of the year": "week wk weekofyear week_of_year isoweek iso_week kw kalenderwoche semaine semana woche "
        "weeknum weekno weeknr week_number week_no settimana vecka uge uke viikko tydzień týden týždeň hét неделя "
        "тиждень hafta minggu tuần 周 週 주",
        "weekday": "weekday dow wday day_of_week dayofweek week_day wochentag tag day jour día dia giorno dag dzień "
        "день 曜日 요일 星期",
        "period of the day": "settlement_period settlementperiod trading_period tradingperiod period sp interval "
        "trading_interval delivery_period periodo período periode mtu hour hora stunde heure half_hour halfhour "
        "hr he quarter_hour quarterhour viertelstunde halbstunde",
        # of a year, in one cell with it
        "year and week": "week yearweek year_week yrwk yyyyww yyyy_ww yyyy-ww week_year kw kalenderwoche isoweek "
        "iso_week semaine semana",
        "year and quarter": "quarter qtr yearquarter year_quarter yrqtr yyyyq quartal trimestre kwartaal kwartał "
        "квартал kvartal kvartál trimester 분기 季度 四半期",
        "year and half": "half halfyear half_year semester semestre halbjahr hy hyear period",
        "years": "season saison spielzeit temporada stagione sezon säsong sæson sesong kausi сезон 시즌 シーズン "
        "fiscal_year financial_year school_year academic_year crop_year marketing_year fy fiscalyear schuljahr "
        "geschäftsjahr wirtschaftsjahr exercice ejercicio boekjaar schooljaar 年度",
        "year and month": "month yearmonth year_month yrmo yyyymm monat mois mes mês mese maand period periode période "
        "periodo período miesiąc месяц måned månad kuukausi hónap měsíc mesiac mjesec mesec ay bulan tháng 월 연월 "
        "년월 月 月份 年月 μήνας місяць luna माह เดือน شهر الشهر ماه חודש период okres dönem "
        "fiscper fiscal_period posting_period accounting_period fiscal_year_period fiscal_year/period "
        "buchungsperiode geschäftsjahr/periode periodo_contable période_comptable",
        "period of the year": "period periode période periodo período poper fiscal_period posting_period "
        "accounting_period buchungsperiode periodo_contable période_comptable период okres dönem per fiscal_month "
        "geschäftsmonat",
        "julian day": "jd julian julian_day julian_date bjd hjd mjd",
        "spreadsheet day": "excel_date exceldate excel_time excel_serial serial_date date_serial serial_day",
        "datenum": "datenum date_num matlab_date matlab_time matlab_datenum",
        "decimal year": "decimal_date decimaldate decimal_year dec_date date_decimal decyear fractional_year "
        "year_fraction yearfrac fracyear year_decimal decimal",
        "part of the time": "mnth mon month_number hr hh yr dayofweek day_of_week weekday week_day dow wday dayofmonth "
        "day_of_month dom mday doy yday dayofyear day_of_year weekofyear week_of_year wk weekno week_no qtr monat jahr "
        "tag wochentag stunde kw mois annee jour semaine mes dia semana woche quartal halbjahr trimestre mo dy mn dd "
        "mm settlement_period hour_ending he",
        # to what a row belongs
        "number of a place": "zip zipcode zip_code postcode postal_code postalcode plz fips code_postal",
        "identity": "id series series_id sequence sequence_id subject patient record recordid case person unit sample",
        "series": "id name series unique_id series_id item item_id symbol store product key ticker",
        "row number": "no nr index row rownames column_1 unnamed:_0",
        # texts, and what is answered about them
        "text": "text sentence review comment question message body content title tweet document utterance name word",
        # of strings that are no sentences
        "string": "string strings word words name names smiles canonical_smiles isomeric_smiles mol molecule selfies "
        "inchi sequence sequences seq peptide protein dna rna password passwords passwort username url urls domain "
        "email city firstname first_name lastname last_name surname vorname nachname nom prénom nombre apellido nome "
        "cognome naam imię имя фамилия texte texto testo tekst текст",
        "label": "label labels class target category sentiment intent outcome y answer",
        "origin": "language country",
        "source": "source src input from question word text document article sentence prompt message spelling quelle "
        "frage wort satz texte phrase mot texto frase pregunta pergunta palabra palavra testo domanda parola tekst "
        "vraag zin woord текст вопрос слово",
        "target": "target tgt output to answer translation summary reply response headline title sound phonemes "
        "pronunciation ziel antwort übersetzung zusammenfassung titel cible réponse traduction résumé titre respuesta "
        "traducción resumen título resposta tradução resumo risposta traduzione riassunto titolo antwoord vertaling "
        "samenvatting перевод ответ",
        "words": "tokens words sentence text",
        "tags": "tags ner_tags labels pos_tags upos slots",
        "word": "word token form words tokens wort mot palabra palavra parola woord ord słowo слово kelime sana sözcük "
        "szó slovo 词 單詞 単語 단어",
        "tag": "tag ner label ner_tag pos upos chunk étiquette etiquette etiqueta etichetta etikett etiket wortart "
        "klasse тег 标签 タグ 태그",
        # of streams: whether something was wrong, or has changed
        "anomaly": "anomaly is_anomaly isanomaly anomaly_label anomaly_flag anomalous label outlier is_outlier attack "
        "class y anomalie ist_anomalie est_anomalie ausreißer anomalia es_anomalia anomalía es_anomalía anomali anomal "
        "аномалия выброс 異常 异常 이상 etikett étiquette etiquette etiqueta etichetta etiket etykieta метка 标签 "
        "레이블 fault faulty failure machine_failure normal/attack attack_label störung defekt ausfall panne défaut "
        "défaillance fallo falla avería guasto falha defeito storing awaria usterka сбой отказ авария неисправность "
        "arıza 故障 고장",
        "change": "changepoint change_point",
        # who took what, without what stands for identity
        "person": "user customer visitor person member who reader listener player client account buyer reviewer "
        "patient kunde kundin nutzer benutzer käufer cliente utilisateur utente usuario usuário klant gebruiker "
        "klient użytkownik пользователь клиент покупатель müşteri 用户 顾客 客户 ユーザー 顧客 고객 사용자",
        "session": "session basket order invoice visit transaction cart playlist trip warenkorb einkaufskorb korb bon "
        "bonnummer kassenbon bestellung panier commande cesta carrito pedido carrello ordine scontrino cesto carrinho "
        "winkelmand bestelling koszyk zamówienie корзина заказ чек sepet sipariş 购物篮 购物车 订单 買い物かご カート "
        "注文 장바구니 주문",
        "item": "item product movie film song track artist book article asin aid sku stock isbn page url poi place "
        "venue what game anime recipe business artikel produkt ware produit producto artículo prodotto articolo "
        "produto artigo товар продукт ürün 商品 产品 商品名 アイテム 製品 상품 제품",
        "rating": "rating stars score like likes weight overall",
        # rows and columns that sum up the others
        "total": "total totals sum grand_total subtotal overall gesamt summe gesamtsumme insgesamt endsumme somme "
        "total_général total_general totale totaal suma soma totais итого всего сумма итог 合计 总计 总和 合計 総計 "
        "합계 총계 toplam genel_toplam yhteensä totalt summa i_alt razem łącznie ogółem összesen celkem skupaj σύνολο "
        "المجموع कुल",
        "average": "average avg mean mittelwert durchschnitt mittel moyenne media promedio média gemiddelde średnia "
        "среднее 平均 medel medelvärde gennemsnit gjennomsnitt keskiarvo ortalama",
        "minimum": "min minimum mínimo minimo",
        "maximum": "max maximum máximo massimo",
        # names of columns even where nothing else tells that a first row is one of names
        "heading": "id name text sentence review comment title body question answer label class category target tag "
        "sentiment intent source src tgt date time timestamp value user item",
    }.items()
}


INNER = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")  # of what is in an object, behind the name of that
# roles that such a name tells by one of its ends; the parts of a moment are not told so
INSIDE = {"text", "label", "source", "target", "words", "tags", "word", "tag", "person", "session", "item"}
LONGEST = 200  # characters of a name that means something
# what times are counted in, behind the name; T_min may be the lowest temperature
COUNTED_IN = (
    r"(?:(?<=[^\W\d_]{2})[_/\s](?:s|secs?|seconds?|ms|msec|millis|us|µs|ns|nanos|mins?|minutes?|h|hrs?|hours?|days?)"
    r"|(?<=^t)[_/\s](?:s|sec|ms|us|µs|ns))$"
)


def find(columns: Iterable[str], *roles: str, bare: bool = False) -> str:
    """The column that is named as those of some roles usually are, or "".

    Args:
        columns: their names.
        roles: as in ``NAMES``; those of the first come first.
        bare: whether what stands for identity is left out of the names, as in ``movieId``.

    Example:
        >>> find(["Review", "Label"], "text"), find(["movieId"], "item", bare=True), find(["a"], "time")
        ('Review', 'movieId', '')
        >>> find(["label.name", "review.text"], "text"), find(["label.name", "review.text"], "label")
        ('review.text', 'label.name')
        >>> find(["day.warm"], "day")
        ''
    """
    plain, columns = without_identity if bare else normal, list(columns)
    found = {plain(column): column for column in reversed(columns)}
    inner = [column for column in reversed(columns) if INNER.fullmatch(column)] if INSIDE.issuperset(roles) else []
    for part in (0, -1):  # of what is in an object both its name and that of the object tell, the former first
        found = {plain(column.split(".")[part]): column for column in inner} | found
    return next((found[name] for role in roles for name in NAMES[role] if name in found), "")


def is_named(column: str, *roles: str) -> bool:
    """Whether a column is named as those of some roles usually are.

    >>> is_named("Unnamed: 0", "row number"), is_named("Time ", "step", "time"), is_named("load", "time")
    (True, True, False)
    """
    return any(normal(column) in NAMES[role] for role in roles)


def is_stamped(column: str) -> bool:
    """Whether a column is named as those that have a moment in a number, be it with more words, or by its digits.

    >>> [is_stamped(name) for name in ("open_time", "closeTime", "MESS_DATUM", "YYYYMMDD", "unix", "runtime", "y")]
    [True, True, True, True, True, False, False]
    """
    if is_named(column, "time", "stamp") or has_month_of_year(column):
        return True
    if len(column) > LONGEST:
        return False
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", re.sub(r"^<(.+)>$", r"\1", column.strip()))
    if re.search(r"y{4}[-_./]?(?:m{2}|w{2}|d{3}|q)|(?:d{2}|m{2}|w{2}|q)[-_./]?y{4}", parted.lower()):
        return True
    words = {word for word in re.split(r"[\W_]+", parted.lower()) if len(word) > 3}
    return not words.isdisjoint((*NAMES["time"], *NAMES["stamp"]))


def words_of(column: str) -> set[str]:
    """The words of a name, in lower case.

    >>> sorted(words_of("OPR_HR")), sorted(words_of("settlementPeriod"))
    (['hr', 'opr'], ['period', 'settlement'])
    """
    if len(column) > LONGEST:
        return set()
    return set(re.split(r"[^\w]+|_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip()).lower())) - {""}


def has_month_of_year(column: str) -> bool:
    """Whether a name has a word for a year and one for a month, and no other.

    >>> [has_month_of_year(name) for name in ("Jahr_Monat", "AñoMes", "month of year", "Year-Month", "month_end")]
    [True, True, False, True, False]
    """
    words = words_of(column)
    years, months = words & set(NAMES["year"]), words & set(NAMES["month"])
    return len(words) == 2 and len(years | months) == 2 and bool(years) and bool(months)


def normal(column: str) -> str:
    """A name without regard to case and to how its words are parted, and without a unit or a zone in brackets.

    Of a name of times what they are counted in may stand behind it without brackets.

    >>> normal("Date Time"), normal("Time [UTC]"), normal("(1)"), normal("<DATE>"), normal("Time_ms"), normal("t/s")
    ('date_time', 'time', '(1)', 'date', 'time', 't')
    """
    plain = column.strip().lower()
    if len(plain) > LONGEST:
        return plain
    plain = re.sub(r"^<(.+)>$|^#\s*(?=\w)", r"\1", plain)
    plain = re.sub(r"\s*[\[(][^\])]*[\])]$", "", plain) or plain
    name, bare = plain.replace(" ", "_"), re.sub(COUNTED_IN, "", plain).replace(" ", "_")
    return bare if bare in (*NAMES["time"], *NAMES["step"]) else name


def without_identity(column: str) -> str:
    """A name without what people hang to it: ``movieId`` and ``movie_id`` are ``movie``."""
    letters = re.sub(r"[\W\d_]", "", column.lower())
    return re.sub(r"(?<=..)(?:id|ids|idx|no|code|number|index)$", "", letters) or letters


def listed(columns: Sequence[str], most: int = 10) -> str:
    """Names of columns for people, the first ones of many.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    return ", ".join(columns[:most]) + (f" and {len(columns) - most:,} more" if len(columns) > most else "")


def is_identity(column: str) -> bool:
    """Whether a column is named as those that name things: ``id``, ``user_id``, ``itemId``.

    >>> [is_identity(name) for name in ("id", "user_id", "itemId", "RecordID", "humid", "valid")]
    [True, True, True, True, False, False]
    """
    return re.search(r"(?:^|[_ .])[iI][dD]$|[a-z]I[dD]$", column) is not None


def is_numbered(column: str) -> bool:
    """Whether a column is named as the numbers of documents, things and people are, which are no amounts.

    >>> [is_numbered(name) for name in ("InvoiceNo", "Order Number", "Belegnummer", "KundenNr", "Ambient NO", "snr")]
    [True, True, True, True, False, False]
    """
    if len(column) > LONGEST:
        return False
    if re.search(r"[a-zäöüß]{4}(?:nr|nummer)$|[a-zäöüß]{3}[\s_.-]?(?:Nr\.?|Nummer)$", column.strip()):
        return True
    match = re.fullmatch(r"(.*?)[\s_.-]*(?:[nN]o\.?|[nN]umber)", column.strip())
    return match is not None and is_named(match[1], "session", "person", "item", "identity")
