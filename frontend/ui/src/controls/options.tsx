//! An output's options as controls, from their JSON schema.

import type { JsonSchema, OutputKind, Parameter } from "../types";
import { words } from "../words";
import { Control } from "./parameters";

function choices(schema: JsonSchema): Array<string | number> | undefined {
  if (schema.enum) return schema.enum;
  const alternatives = schema.oneOf?.flatMap((one) => one.enum ?? (one.const !== undefined ? [one.const] : []));
  return alternatives?.length ? alternatives : undefined;
}

/** The declaration of one option, in the words of an operation's parameter. */
export function toParameter(name: string, schema: JsonSchema): Parameter | null {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  const base = { name, label: schema.title ?? words(name), help: schema.description ?? "", required: false, default: schema.default };
  const listed = choices(schema);
  if (listed) return { ...base, control: "choice", choices: listed };
  if (type === "boolean") return { ...base, control: "switch" };
  if (type !== "integer" && type !== "number") return null;
  const bounds = { ...(schema.minimum !== undefined ? { minimum: schema.minimum } : {}), ...(schema.maximum !== undefined ? { maximum: schema.maximum } : {}) };
  return { ...base, ...bounds, control: type === "integer" ? "integer" : "number" };
}

interface Props { kind: OutputKind; values: Record<string, unknown>; onChange: (name: string, value: unknown) => void }

export function Options({ kind, values, onChange }: Props) {
  const parameters = Object.entries(kind.schema.properties ?? {}).flatMap(([name, schema]) => toParameter(name, schema) ?? []);
  return (
    <>
      {parameters.filter((parameter) => applies(parameter, values, kind)).map((parameter) => (
        <Control key={parameter.name} parameter={parameter} value={values[parameter.name]} onChange={(value) => onChange(parameter.name, value)} />
      ))}
    </>
  );
}

/** A TIFF's quality means something for its lossy compression only. */
function applies(parameter: Parameter, values: Record<string, unknown>, kind: OutputKind): boolean {
  const properties = kind.schema.properties ?? {};
  if (parameter.name !== "quality" || !properties["compression"]) return true;
  return (values["compression"] ?? properties["compression"].default) === "jpeg";
}
