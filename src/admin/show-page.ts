import type { Visit } from '../account/signed-in.ts'
import { renderPage } from '../web/render.ts'

/** Tabs of the console, as views/admin/frame.njk knows them. */
export type AdminTab = 'start' | 'keys'

/** Answers with a page of the console, under the navigation. */
export function showAdminPage(
  { req, res }: Pick<Visit, 'req' | 'res'>,
  view: string,
  data: { readonly tab: AdminTab; readonly [name: string]: unknown },
  status = 200,
): void {
  renderPage(req, res, `admin/${view}`, data, status)
}
