import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transliterate } from '../../src/people/elot743.ts'

describe('transcription by ELOT 743', () => {
  const vectors: Record<string, [greek: string, latin: string][]> = {
    'names as identity cards have them': [
      ['Δήμητρα Παπαδοπούλου', 'Dimitra Papadopoulou'],
      ['Γεώργιος', 'Georgios'],
      ['Χαράλαμπος', 'Charalampos'],
      ['Ψαλιδόπουλος', 'Psalidopoulos'],
      ['Ξένια Τζαβέλλα', 'Xenia Tzavella'],
      ['Ιωάννης', 'Ioannis'],
    ],
    'αυ, ευ, ηυ by the sound that follows': [
      ['Παύλος', 'Pavlos'],
      ['Σταύρος', 'Stavros'],
      ['Ευαγγελία', 'Evangelia'],
      ['Ευθύμιος', 'Efthymios'],
      ['Ευτυχία', 'Eftychia'],
      ['Αυγή', 'Avgi'],
      ['Ναυσικά', 'Nafsika'],
      ['Λευ', 'Lef'],
      ['ηύρα', 'ivra'],
      ['Εύβοια', 'Evvoia'],
      ['Λαύριο', 'Lavrio'],
      ['Καύκας', 'Kafkas'],
      ['Ζευς', 'Zefs'],
      ['ΕΥΞΕΝΗ', 'EFXENI'],
      ['Εὐαγγελία', 'Evangelia'],
      ['Μωυσής', 'Moysis'],
    ],
    'ου, and what an accent or a diaeresis parts': [
      ['Ούρσουλα', 'Oursoula'],
      ['Ταΰγετος', 'Taygetos'],
      ['Πραΰς', 'Prays'],
      ['άυλος', 'aylos'],
      ['Μάιος', 'Maios'],
      ['Προΰπος', 'Proypos'],
      ['ΑΫΛΟΣ', 'AYLOS'],
      ['Νηρηίς', 'Niriis'],
      ['Ραφαήλ', 'Rafail'],
    ],
    'μπ at the edges of a word b, inside mp': [
      ['Μπότσαρης', 'Botsaris'],
      ['Λαμπρινή', 'Lamprini'],
      ['Γκολφίνος-Μπούρας', 'Gkolfinos-Bouras'],
      ['Τζαμπ', 'Tzab'],
      ['Μπάμπης', 'Bampis'],
      ['ΜΠΑΜΠΗΣ', 'BAMPIS'],
      ['Ντε Μπόρια', 'Nte Boria'],
    ],
    'γ before γ, ξ, χ nasal, before κ not': [
      ['Αγγελική', 'Angeliki'],
      ['Σφιγξ', 'Sfinx'],
      ['Μελαγχολία', 'Melancholia'],
      ['Γκίκας', 'Gkikas'],
      ['Αγκάθι', 'Agkathi'],
      ['Έλεγχος', 'Elenchos'],
      ['Φεγγάρη', 'Fengari'],
      ['ΣΦΙΓΞ', 'SFINX'],
    ],
    'ντ, τσ, τζ letter by letter': [
      ['Κωνσταντίνος', 'Konstantinos'],
      ['Ντίνα Τσιτσάνη', 'Ntina Tsitsani'],
    ],
    'capitals: of a whole word, or of one letter': [
      ['ΘΕΟΔΩΡΑ ΨΑΡΡΗ', 'THEODORA PSARRI'],
      ['Θεοδώρα Ψαρρή', 'Theodora Psarri'],
      ['ΧΡΗΣΤΟΥ', 'CHRISTOU'],
      ['ΕΥΑΓΓΕΛΟΣ ΜΠΑΛΤΑΣ', 'EVANGELOS BALTAS'],
      ['ΑΝΘΗ', 'ANTHI'],
      ['Θ. Χατζής', 'Th. Chatzis'],
      ['ΝΑΘ', 'NATH'],
    ],
    'letters that look Greek and are coded otherwise, as old systems write them': [
      ['Δη\u00b5ήτρης', 'Dimitris'],
      ['Σα\u00b5\u03c0ρής', 'Sampris'],
      ['\u03d1ωμάς', 'thomas'],
      ['\u03d5ίλι\u03d6\u03d6ος', 'filippos'],
      ['Χρι\u03f2τός', 'Christos'],
      ['\u2126ρίων', 'Orion'],
    ],
    'an accent that stands before its capital, as a sign of its own': [
      ['\u0384Αννα', 'Anna'],
      ['\u00b4Αννα \u0384Ελλη', 'Anna Elli'],
      ["'Αννα-\u2019Ελλη", 'Anna-Elli'],
      ['\u0384Αυλος', 'Aylos'],
      ["Ντ'Αμπρούτσο", "Nt'Amproutso"],
    ],
    'what is not Greek stays': [
      ['Άννα-Marie', 'Anna-Marie'],
      ["D'Angelo Ü", "D'Angelo Ü"],
      ['', ''],
    ],
  }
  for (const [title, pairs] of Object.entries(vectors)) {
    it(title, () => {
      for (const [greek, latin] of pairs) assert.equal(transliterate(greek), latin)
    })
  }

  it('reads decomposed and polytonic text like composed', () => {
    assert.equal(transliterate('Παύλος'.normalize('NFD')), 'Pavlos')
    assert.equal(transliterate('Ἀθῆναι'), 'Athinai')
  })
})
