/** An ORCID iD, bare or as any address of orcid.org, in its https form; undefined if it is none. */
export function orcidUrl(orcid: string | undefined): string | undefined {
  const digits = /(\d{4}-\d{4}-\d{4}-\d{3}[\dX])$/.exec(orcid ?? '')?.[1]
  return digits && `https://orcid.org/${digits}`
}
