const requiredTexts = [
  'name',
  'tagline',
  'description',
  'url',
  'informationUrl',
  'privacyStatementUrl',
  'termsUrl',
  'accessibilityUrl',
] as const

/** What is missing or wrong in an institution file, each problem with its field's name. */
export function findInstitutionProblems(parsed: unknown): string[] {
  if (!isRecord(parsed)) return ['must hold one JSON object']
  const problems: string[] = []
  for (const field of requiredTexts) {
    const text = parsed[field]
    for (const language of ['el', 'en']) {
      if (!isRecord(text) || !isText(text[language]))
        problems.push(`${field}.${language}: must be a text`)
      else if (
        field.toLowerCase().endsWith('url') &&
        !URL.canParse(text[language] as string, 'https://base.invalid')
      ) {
        problems.push(`${field}.${language}: must be a URL, got "${text[language]}"`)
      }
    }
  }
  for (const field of ['helpdesk', 'technicalContact', 'securityContact']) {
    const contact = parsed[field]
    if (!isRecord(contact) || !isText(contact.email) || !/^[^\s@]+@[^\s@]+$/.test(contact.email)) {
      problems.push(`${field}.email: must be a mail address`)
    }
    if (field !== 'helpdesk' && (!isRecord(contact) || !isText(contact.givenName))) {
      problems.push(`${field}.givenName: must be a name`)
    }
  }
  if (!isText(parsed.homeOrganizationType)) problems.push('homeOrganizationType: must be a URN')
  const { logo, services, colours } = parsed
  if (
    logo !== undefined &&
    !(
      isRecord(logo) &&
      isText(logo.url) &&
      /^(https|data):/.test(logo.url) &&
      isSize(logo.width) &&
      isSize(logo.height)
    )
  ) {
    problems.push('logo: needs url (https: or data:), width and height in pixels')
  }
  if (
    colours !== undefined &&
    !(
      isRecord(colours) &&
      [colours.action, colours.header].every((c) => isText(c) && /^#[0-9a-f]{6}$/i.test(c))
    )
  ) {
    problems.push('colours: needs action and header, each as #rrggbb')
  }
  if (!Array.isArray(services)) problems.push('services: must be a list (it may be empty)')
  else {
    services.forEach((service, index) => {
      const fine =
        isRecord(service) &&
        isText(service.url) &&
        URL.canParse(service.url) &&
        [service.name, service.description].every(
          (text) => isRecord(text) && isText(text.el) && isText(text.en),
        )
      if (!fine)
        problems.push(
          `services[${index}]: needs name {el, en}, description {el, en} and an absolute url`,
        )
    })
  }
  return problems
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

function isSize(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0
}
