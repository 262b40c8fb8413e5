/** Common Greek names; put together by chance, they belong to nobody in particular. */

export const maleNames =
  'Γεώργιος Δημήτριος Κωνσταντίνος Ιωάννης Νικόλαος Παναγιώτης Βασίλειος Χρήστος Αθανάσιος Μιχαήλ Ευάγγελος Σπυρίδων Αντώνιος Θεόδωρος Ηλίας Στυλιανός Ανδρέας Χαράλαμπος Αλέξανδρος Απόστολος Παύλος Στέφανος Φώτιος Λεωνίδας Άγγελος Οδυσσέας Ιάσων Ραφαήλ'.split(
    ' ',
  )

export const femaleNames =
  'Μαρία Ελένη Αικατερίνη Βασιλική Σοφία Αγγελική Γεωργία Δήμητρα Κωνσταντίνα Παναγιώτα Ιωάννα Ευαγγελία Χριστίνα Αναστασία Φωτεινή Ειρήνη Δέσποινα Άννα Παρασκευή Ευθυμία Θεοδώρα Στυλιανή Χρυσούλα Ευτυχία Αλεξάνδρα Ναυσικά Μυρτώ Αθηνά'.split(
    ' ',
  )

/** Male form, then female form (the genitive in most surnames). */
export const surnames: readonly (readonly [male: string, female: string])[] = [
  ['Παπαδόπουλος', 'Παπαδοπούλου'],
  ['Οικονόμου', 'Οικονόμου'],
  ['Νικολαΐδης', 'Νικολαΐδου'],
  ['Καραγιάννης', 'Καραγιάννη'],
  ['Βλάχος', 'Βλάχου'],
  ['Αντωνίου', 'Αντωνίου'],
  ['Μακρής', 'Μακρή'],
  ['Δημητρίου', 'Δημητρίου'],
  ['Παπανικολάου', 'Παπανικολάου'],
  ['Αγγελόπουλος', 'Αγγελοπούλου'],
  ['Γεωργιάδης', 'Γεωργιάδου'],
  ['Αλεξίου', 'Αλεξίου'],
  ['Κωνσταντινίδης', 'Κωνσταντινίδου'],
  ['Τριανταφύλλου', 'Τριανταφύλλου'],
  ['Σταυρόπουλος', 'Σταυροπούλου'],
  ['Μπότσαρης', 'Μπότσαρη'],
  ['Χατζηδάκης', 'Χατζηδάκη'],
  ['Γκίκας', 'Γκίκα'],
  ['Ζαχαρίου', 'Ζαχαρίου'],
  ['Θεοδώρου', 'Θεοδώρου'],
  ['Λαμπρόπουλος', 'Λαμπροπούλου'],
  ['Ψαρράς', 'Ψαρρά'],
  ['Ξενάκης', 'Ξενάκη'],
  ['Φωτόπουλος', 'Φωτοπούλου'],
  ['Ευσταθίου', 'Ευσταθίου'],
  ['Μαυρομάτης', 'Μαυρομάτη'],
  ['Ρήγας', 'Ρήγα'],
  ['Σαββίδης', 'Σαββίδου'],
  ['Τσιτσάνης', 'Τσιτσάνη'],
  ['Καλογερόπουλος', 'Καλογεροπούλου'],
  ['Διαμαντής', 'Διαμαντή'],
  ['Πετρόπουλος', 'Πετροπούλου'],
  ['Βασιλείου', 'Βασιλείου'],
  ['Μουρατίδης', 'Μουρατίδου'],
  ['Σπυρόπουλος', 'Σπυροπούλου'],
  ['Λιάπης', 'Λιάπη'],
  ['Κοντός', 'Κοντού'],
  ['Αρβανίτης', 'Αρβανίτη'],
  ['Ιωαννίδης', 'Ιωαννίδου'],
  ['Τζαβέλλας', 'Τζαβέλλα'],
]

/** Students of other countries, whose records have Latin names only. */
export const foreigners: readonly {
  country: string
  firstName: string
  lastName: string
  gender: '1' | '2'
}[] = [
  { country: 'DE', firstName: 'Jürgen', lastName: 'Mustermann', gender: '1' },
  { country: 'FR', firstName: 'Camille', lastName: 'Exemple', gender: '2' },
  { country: 'IT', firstName: 'Mario', lastName: 'Esempio', gender: '1' },
  { country: 'ES', firstName: 'Lucía', lastName: 'Ejemplo', gender: '2' },
  { country: 'AL', firstName: 'Arben', lastName: 'Shembulli', gender: '1' },
  { country: 'BG', firstName: 'Ivana', lastName: 'Primerova', gender: '2' },
  { country: 'FI', firstName: 'Aino', lastName: 'Esimerkki', gender: '2' },
  { country: 'PL', firstName: 'Łukasz', lastName: 'Przykładowski', gender: '1' },
]

export const departments: readonly {
  code: string
  ministryCode: string
  el: string
  en: string
}[] = [
  { code: '1201', ministryCode: '9201', el: 'Τμήμα Πληροφορικής', en: 'Department of Informatics' },
  { code: '1202', ministryCode: '9202', el: 'Τμήμα Μαθηματικών', en: 'Department of Mathematics' },
  { code: '1203', ministryCode: '9203', el: 'Τμήμα Φυσικής', en: 'Department of Physics' },
  {
    code: '1301',
    ministryCode: '9301',
    el: 'Τμήμα Ιστορίας και Αρχαιολογίας',
    en: 'Department of History and Archaeology',
  },
  { code: '1302', ministryCode: '9302', el: 'Τμήμα Φιλολογίας', en: 'Department of Philology' },
  {
    code: '1401',
    ministryCode: '9401',
    el: 'Τμήμα Πολιτικών Μηχανικών',
    en: 'Department of Civil Engineering',
  },
  {
    code: '1402',
    ministryCode: '9402',
    el: 'Τμήμα Αρχιτεκτόνων Μηχανικών',
    en: 'Department of Architecture',
  },
  {
    code: '1501',
    ministryCode: '9501',
    el: 'Τμήμα Οικονομικών Επιστημών',
    en: 'Department of Economics',
  },
]

/** A department as a row of the registry names it. */
export function departmentFacts(department: (typeof departments)[number]) {
  return {
    departmentCode: department.code,
    ministryCode: department.ministryCode,
    departmentNameEl: department.el,
    departmentNameEn: department.en,
  }
}
