/** A value in its stored form, or why it cannot be one. */
export type Checked<Reason extends string> =
  | { readonly value: string; readonly reason?: undefined }
  | { readonly value?: undefined; readonly reason: Reason }
