import { bareSpelling } from './greek-spelling.ts'

/** What Greeks call people whose records hold the formal name. One line: formal names = short ones. */
const lines = `
νικόλαος = νίκος νικόλας
γεώργιος = γιώργος γιώργης
ιωάννης = γιάννης
κωνσταντίνος = κώστας κωστής ντίνος κώτσος
δημήτριος = δημήτρης μήτσος μίμης τζίμης
παναγιώτης = πάνος τάκης
βασίλειος = βασίλης μπίλης
αθανάσιος = θανάσης θάνος νάσος
ευάγγελος = βαγγέλης
μιχαήλ = μιχάλης μίκης
χαράλαμπος = μπάμπης χάρης
εμμανουήλ = μανώλης μάνος
ελευθέριος = λευτέρης
αναστάσιος = τάσος
σπυρίδων = σπύρος
αντώνιος = αντώνης
χρήστος = χρηστάκης
χρίστος = χριστάκης
ευστάθιος = στάθης
στυλιανός = στέλιος
σωτήριος = σωτήρης
γρηγόριος = γρηγόρης
θεόδωρος = θοδωρής
θεοφάνης = φάνης
φώτιος = φώτης
παρασκευάς = πάρης
απόστολος = τόλης
αλέξανδρος = αλέκος αλέξης
μαρία = μαράκι μαιρούλα
αικατερίνη = κατερίνα καίτη
ελένη = λένα ελενίτσα
βασιλική = βάσω βίκυ βασούλα
γεωργία = γιωργία γωγώ
ευαγγελία = βαγγελιώ λίτσα εύα
παναγιώτα = γιώτα
κωνσταντίνα = ντίνα κωστούλα
αναστασία = τασούλα νατάσα
παρασκευή = βούλα εύη βιβή
αγγελική = κική αγγέλα
χρυσούλα = χρύσα
δέσποινα = ντέπυ δεσποινούλα
φωτεινή = φωφώ
ουρανία = ράνια
στυλιανή = στέλλα λιάνα
σταυρούλα = βούλα
ευτυχία = έφη
ευθυμία = έφη
σοφία = σόφη
ιωάννα = γιάννα
δήμητρα = μιμή
θεοδώρα = δώρα ντόρα
αλεξάνδρα = αλέκα σάντρα
`

const table = new Map(
  lines
    .trim()
    .split('\n')
    .map((line) => {
      const [formal = '', short = ''] = bareSpelling(line).split(' = ')
      return [formal, short.split(' ')]
    }),
)

/** Every first name of the list, formal and short, as bareSpelling() writes it. */
export const greekFirstNames: readonly string[] = [
  ...new Set([...table].flatMap(([formal, short]) => [formal, ...short])),
]

/** @param name Greek, as bareSpelling() writes it; others have no short forms here */
export function shortNames(name: string): readonly string[] {
  return table.get(name) ?? []
}
