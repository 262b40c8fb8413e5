import type { Institution } from '../institution.ts'

/** WCAG 2.2 success criterion 1.4.3: text against its ground. */
const minContrast = 4.5

type Rgb = [number, number, number]

/**
 * The institution's colours as a style sheet that comes after ours; empty without colours. A
 * colour that reads badly as text in the light or dark scheme is darkened or lightened until it
 * reaches the contrast that WCAG AA asks for.
 */
export function themeStyles(colours: Institution['colours']): string {
  if (!colours) return ''
  const action = parse(colours.action)
  const header = parse(colours.header)
  const lightPage: Rgb = [246, 244, 239]
  const darkCard: Rgb = [22, 34, 45]
  const white: Rgb = [255, 255, 255]
  const button = approach(action, white, [0, 0, 0])
  const bar = approach(header, white, [0, 0, 0])
  return [
    ':root{',
    `--link:${hex(approach(action, lightPage, [0, 0, 0]))};`,
    `--action:${hex(button)};--action-hover:${hex(mix(button, [0, 0, 0], 0.25))};`,
    `--bar:${hex(bar)};--bar-edge:${hex(mix(bar, [0, 0, 0], 0.25))}`,
    '}',
    '@media (prefers-color-scheme:dark){:root{',
    `--link:${hex(approach(action, darkCard, white))}`,
    '}}',
  ].join('')
}

/** Moves `colour` towards `towards` until it can be read on `ground`, or `ground` on it. */
function approach(colour: Rgb, ground: Rgb, towards: Rgb): Rgb {
  let moved = colour
  for (let share = 0; contrast(moved, ground) < minContrast && share <= 1; share += 0.05) {
    moved = mix(colour, towards, share)
  }
  return moved
}

/** WCAG 2.2 contrast ratio, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function luminance([r, g, b]: Rgb): number {
  const linear = (channel: number) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((channel, i) => Math.round(channel + (b[i]! - channel) * share)) as Rgb
}

export function parse(colour: string): Rgb {
  return [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16)) as Rgb
}

function hex(colour: Rgb): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`
}
