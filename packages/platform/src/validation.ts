import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import { invalid, type Violation } from "@wahub/domain";

const validator = createValidator();

/**
 * Holds a message against the rules in its proto. Throws HubError `invalid` with every violation, each with the field's
 * path in the words of the proto: `recipients[17].phone`.
 */
export function validate<D extends DescMessage>(schema: D, message: MessageShape<D>): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") {
    throw new Error(`the rules of ${schema.typeName} cannot be evaluated`, { cause: result.error });
  }
  throw invalid(result.violations.map((violation) => violationOf(violation.field, violation.message)));
}

function violationOf(path: Path, reason: string): Violation {
  const at = path.findLast((step) => step.kind === "list_sub");
  const field = pathToString(path);
  return at?.kind === "list_sub" ? { field, index: at.index, reason } : { field, reason };
}
