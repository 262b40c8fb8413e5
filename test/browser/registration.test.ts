import { describe } from 'node:test'
import { testForEverybody } from '../support/for-everybody.ts'
import { RegistrationGallery } from '../support/registration-gallery.ts'

describe('The pages for services that register themselves, for everybody', () => {
  testForEverybody((app, page, look) => new RegistrationGallery(app, page, look).all(), 18)
})
