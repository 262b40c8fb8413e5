import { describe } from 'node:test'
import { AdminGallery } from '../support/admin-gallery.ts'
import { testForEverybody } from '../support/for-everybody.ts'

describe('The console, for everybody', () => {
  testForEverybody((app, page, look) => new AdminGallery(app, page, look).all(), 7)
})
