import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { ContentSchema } from "@wahub/proto";

/** The text of stored content (proto JSON of whatsapphub.v1.Content). */
export function textOf(content: unknown): string {
  const { kind } = fromJson(ContentSchema, content as JsonValue, { ignoreUnknownFields: true });
  if (kind.case !== "text") throw new Error("this sender does not know the kind of content");
  return kind.value.body;
}
