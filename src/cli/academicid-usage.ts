export const academicIdUsage = `Usage: propylaia academicid status | conflicts                 [--json]
       propylaia academicid allocate USERNAME | --all            [--json]
       propylaia academicid sync [--dry-run]                     [--json]
       propylaia academicid rekey                                [--json]
       propylaia academicid export FILE                          [--json]
  on the registry's own store:
       propylaia academicid serve
       propylaia academicid token add NAME | list | revoke NAME  [--json]
       propylaia academicid merge KEEP DROP --yes                [--json]
       propylaia academicid import FILE                          [--json]

status     how many have an AcademicID, wait for one, are in conflict; the last error
conflicts  whose numbers have two ids, for a human to decide; numbers are masked
allocate   settles now what otherwise follows in the background; --all for every activated account
sync       reads everybody's id again, after a merge in the registry, and takes over what changed
rekey      registers everybody under the first of ACADEMICID_SHARED_KEYS, in a rotation; ids stay
export     the ids of this institution for a shared registry, under the first shared key
serve      the registry that several institutions share (ACADEMICID_HOST, ACADEMICID_PORT)
token      an institution's way in; shown once
merge      two ids are one person's: all keys of DROP lead to KEEP
import     takes over an export; changes no id that is there

docs/academicid.md says how these go together.
`
