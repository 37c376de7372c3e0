export interface ShapeIssue { readonly path: readonly (string|number)[]; readonly unknown: readonly string[]; readonly rule: string }
export type Shape = (value: any) => { ok: true, template: any } | { ok: false, issues: ShapeIssue[] };
