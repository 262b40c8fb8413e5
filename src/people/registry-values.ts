/** What columns of the registry file may hold where they are a choice. */
export const roleKinds = ['student', 'faculty', 'staff', 'affiliate'] as const
export const roleStatuses = ['active', 'suspended', 'ended'] as const
export const degreeLevels = ['bachelor', 'integrated-master', 'master', 'doctorate'] as const
/** ISO 5218. */
export const genders = ['0', '1', '2', '9'] as const
