"""The names of months and weekdays in many languages, and the zones that letters name."""

# no name is of two months, and so those of Croatian, whose October is the November of Polish, are none
MONTH_NAMES = [
    "jan january januar janvier janv enero ene gennaio gen janeiro januari jän jänner sty styczeń stycznia "
    "янв январь января січ січень січня януари ιαν ιανουάριος ιανουαρίου ocak oca leden ledna január januára jan "
    "ianuarie ian tammi tammikuu tammikuuta ינואר يناير",
    "feb february februar février fevrier févr fevr fév fev febrero febbraio fevereiro februari lut luty lutego "
    "фев февр февраль февраля лют лютий лютого февруари φεβ φεβρουάριος φεβρουαρίου şubat şub únor února február "
    "februára febr februarie peb helmi helmikuu helmikuuta פברואר فبراير",
    "mar march märz maerz mär mrz mars marzo março marco maart mrt marts marzec marca мар март марта бер березень "
    "березня μαρ μάρτιος μαρτίου mart březen března březnu március márc marec martie maret maalis maaliskuu "
    "maaliskuuta מרץ مارس",
    "apr april avril avr abril abr aprile kwi kwiecień kwietnia апр апрель апреля кві квітень квітня април απρ "
    "απρίλιος απριλίου nisan nis duben dubna április ápr apríl apríla aprilie huhti huhtikuu huhtikuuta אפריל أبريل "
    "ابريل",
    "may mai mayo maggio mag maio mei maj maja май мая тра травень травня μαΐ μάι μάιος μαΐου mayıs květen května "
    "május máj mája touko toukokuu toukokuuta מאי مايو",
    "jun june juni juin junio giugno giu junho cze czerwiec czerwca июн июнь июня чер червень червня юни ιουν ιούν "
    "ιούνιος ιουνίου haziran haz červen června június jún júna iunie iun junij kesä kesäkuu kesäkuuta יוני يونيو",
    "jul july juli juillet juil julio luglio lug julho lip lipiec lipca июл июль июля лип липень липня юли ιουλ ιούλ "
    "ιούλιος ιουλίου temmuz tem červenec července július júl júla iulie iul julij heinä heinäkuu heinäkuuta יולי "
    "يوليو",
    "aug august août aout aoû agosto ago augustus augusti sie sierpień sierpnia авг август августа сер серпень серпня "
    "αυγ αύγουστος αυγούστου ağustos ağu srpen srpna augusztus augusta avgust agustus agu agt elokuu elokuuta "
    "אוגוסט أغسطس اغسطس",
    "sep sept september septembre septiembre set settembre setembro wrz wrzesień września сен сент сентябрь сентября "
    "вер вересень вересня септември σεπ σεπτ σεπτέμβριος σεπτεμβρίου eylül eyl září zář szeptember szept septembra "
    "septembrie syyskuu syyskuuta ספטמבר سبتمبر",
    "oct october oktober okt octobre octubre ottobre ott outubro out paź październik października окт октябрь октября "
    "жов жовтень жовтня октомври οκτ οκτώβριος οκτωβρίου ekim eki říjen října október októbra octombrie lokakuu "
    "lokakuuta אוקטובר أكتوبر اكتوبر",
    "nov november novembre noviembre novembro lis listopad listopada listopadu ноя нояб ноябрь ноября лис листопад "
    "листопада ноември νοε νοέ νοέμβριος νοεμβρίου kasım kas novembra noiembrie noi marras marraskuu marraskuuta "
    "נובמבר نوفمبر",
    "dec december dezember dez décembre decembre déc diciembre dic dicembre dezembro desember des gru grudzień grudnia "
    "дек декабрь декабря гру грудень грудня декември δεκ δεκέμβριος δεκεμβρίου aralık ara prosinec prosince decembra "
    "decembrie joulu joulukuu joulukuuta דצמבר ديسمبر",
]
MONTHS = {name: n for n, names in enumerate(MONTH_NAMES, 1) for name in names.split()}
_WEEKDAY_NAMES = [
    "mon monday mo montag lun lundi lunes lunedì lunedi seg segunda maa maandag ma pon poniedziałek "
    "пн понедельник 月 월",
    "tue tues tuesday di dienstag mar mardi martes martedì martedi ter terça din dinsdag wt wtorek вт вторник 火 화",
    "wed wednesday mi mittwoch mer mercredi mié mie miércoles mercoledì mercoledi qua quarta woe woensdag wo śr środa "
    "ср среда 水 수",
    "thu thur thurs thursday do donnerstag jeu jeudi jue jueves gio giovedì giovedi qui quinta don donderdag czw "
    "czwartek чт четверг 木 목",
    "fri friday fr freitag ven vendredi vie viernes venerdì venerdi sex sexta vri vrijdag vr pt piątek пт "
    "пятница 金 금",
    "sat saturday sa samstag sonnabend sam samedi sáb sab sábado sabato zat zaterdag za sob sobota сб суббота 土 토",
    "sun sunday so sonntag dim dimanche dom domingo domenica zon zondag zo nie niedziela вс воскресенье 日 일",
]
WEEKDAYS = {name: n for n, names in enumerate(_WEEKDAY_NAMES, 1) for name in names.split()}
# those of RFC 2822, and others that mean one thing; minutes before UTC
ZONES = {
    name: 60 * hours
    for hours, names in {
        0: "z utc gmt ut wet",
        -4: "edt", -5: "est cdt", -6: "cst mdt", -7: "mst pdt", -8: "pst",
        1: "cet mez west", 2: "cest mesz eet", 3: "eest msk", 9: "jst", 10: "aest", 11: "aedt",
    }.items()
    for name in names.split()
}  # fmt: skip
