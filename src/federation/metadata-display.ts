import { attributeOf, childElement, childElements, lineOf, textOf } from '../xml/safe-xml.ts'
import { readBoolean, readIndex } from './metadata-endpoints.ts'
import type { MetadataReading } from './metadata-finding.ts'
import { cleanText, isWebUrl, languageOf, localizedText } from './metadata-text.ts'
import { ns } from './metadata-uris.ts'
import type {
  AttributeConsumingService,
  ServiceDisplay,
  ServiceProvider,
  ServiceText,
} from './service.ts'

const maxNameLength = 256
const maxDescriptionLength = 2000
const maxLogoLength = 100_000

/** Logos inside the metadata: picture formats that hold no script. */
const dataImage = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$/

/** Nothing that means something in a link or a header: we write to it, and pages link it. */
const mailAddress = /^[\p{L}\p{N}.!#$%'*+=^_`{|}~-]+@[\p{L}\p{N}.-]+$/u

/**
 * What the service says to people: mdui:UIInfo of the role; for the name also the
 * AttributeConsumingService and the Organization, in that order.
 */
export function readDisplay(
  entity: Element,
  role: Element,
  services: readonly AttributeConsumingService[],
  reading: MetadataReading,
): ServiceDisplay {
  const extensions = childElement(role, ns.md, 'Extensions')
  const uiInfo = extensions && childElement(extensions, ns.mdui, 'UIInfo')
  const all = (name: string) => (uiInfo ? childElements(uiInfo, ns.mdui, name) : [])
  const organization = childElement(entity, ns.md, 'Organization')
  const names = [
    localizedText(all('DisplayName'), maxNameLength),
    services[0]?.serviceName ?? {},
    localizedText(
      organization ? childElements(organization, ns.md, 'OrganizationDisplayName') : [],
      maxNameLength,
    ),
  ]
  return {
    displayName: names.find((name) => Object.keys(name).length > 0) ?? {},
    description: localizedText(all('Description'), maxDescriptionLength),
    informationUrl: localizedUrls(all('InformationURL'), reading),
    privacyStatementUrl: localizedUrls(all('PrivacyStatementURL'), reading),
    logoUrl: readLogo(all('Logo'), reading),
  }
}

function localizedUrls(elements: readonly Element[], reading: MetadataReading): ServiceText {
  const urls: Record<string, string> = {}
  for (const element of elements) {
    const language = languageOf(element)
    const url = textOf(element)
    if (!language || urls[language] !== undefined) continue
    if (isWebUrl(url)) urls[language] = url
    else reading.findings.push(unsafeUrl(element, url))
  }
  return urls
}

/** The largest up to 400 pixels wide: sharp on dense screens, small to fetch. */
function readLogo(elements: readonly Element[], reading: MetadataReading): string | undefined {
  const logos: { url: string; width: number }[] = []
  for (const element of elements) {
    const url = textOf(element)
    const isSafe = (url.startsWith('https:') && isWebUrl(url)) || dataImage.test(url)
    if (!isSafe || url.length > maxLogoLength) {
      reading.findings.push(unsafeUrl(element, url))
      continue
    }
    logos.push({ url, width: Number(attributeOf(element, 'width')) || 0 })
  }
  const fitting = logos.filter(({ width }) => width <= 400).sort((a, b) => b.width - a.width)
  return (fitting[0] ?? logos[0])?.url
}

function unsafeUrl(element: Element, url: string) {
  return {
    code: 'DISPLAY_URL_UNSAFE' as const,
    message: `${element.localName} "${cleanText(url, 80)}" is not an address that we show to people; it is left out.`,
    remedy:
      'Write a full https address (a logo may also be a data: URL of a PNG, JPEG, GIF or WebP).',
    line: lineOf(element),
    subject: cleanText(url, 80),
  }
}

/** SAML Metadata 2.4.4.1. */
export function readAttributeConsumingServices(
  role: Element,
  reading: MetadataReading,
): AttributeConsumingService[] {
  return childElements(role, ns.md, 'AttributeConsumingService').map((element, position) => ({
    index: readIndex(element, reading) ?? position,
    isDefault: readBoolean(element, 'isDefault', reading) ?? false,
    serviceName: localizedText(childElements(element, ns.md, 'ServiceName'), maxNameLength),
    requestedAttributes: childElements(element, ns.md, 'RequestedAttribute').map((requested) => {
      const friendlyName = attributeOf(requested, 'FriendlyName')
      return {
        name: attributeOf(requested, 'Name')?.trim() ?? '',
        ...(friendlyName !== undefined && { friendlyName: cleanText(friendlyName, maxNameLength) }),
        isRequired: readBoolean(requested, 'isRequired', reading) ?? false,
      }
    }),
  }))
}

export function readContacts(entity: Element): ServiceProvider['contacts'] {
  return childElements(entity, ns.md, 'ContactPerson').map((contact) => {
    const text = (name: string) => {
      const value = cleanText(textOf(childElement(contact, ns.md, name)), maxNameLength)
      return value === '' ? undefined : value
    }
    const email = text('EmailAddress')?.replace(/^mailto:/i, '')
    return {
      type: attributeOf(contact, 'contactType') ?? 'other',
      email: email && mailAddress.test(email) ? email : undefined,
      givenName: text('GivenName'),
      surName: text('SurName'),
    }
  })
}
