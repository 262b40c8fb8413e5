export { escapeAttribute, escapeText } from '../xml/escape-xml.ts'
