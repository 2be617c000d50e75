import { type DescFile, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { ErrorDetailSchema } from "@wahub/proto";
import { service as healthService } from "grpc-health-check";

/**
 * Adds reflection (v1 and v1alpha) for the services, straight from their descriptors: no .proto file at run time. Also
 * for what no service's file mentions and a client meets all the same: the detail of a refusal, and health.
 */
export function addReflection(server: Server, services: readonly DescService[]): void {
  const files = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file.name)) return;
    files.set(file.name, file);
    file.dependencies.forEach(visit);
  };
  for (const service of services) visit(service.file);
  visit(ErrorDetailSchema.file);
  const fileDescriptorProtos = [
    ...[...files.values()].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto))),
    ...healthFiles(),
  ];
  // All that it reads of a package definition are the descriptors.
  const definition = { files: { fileDescriptorProtos } } as unknown as ConstructorParameters<
    typeof ReflectionService
  >[0];
  const names = [...services.map((service) => service.typeName), "grpc.health.v1.Health"];
  new ReflectionService(definition, { services: names }).addToServer(server);
}

/**
 * The library loads them from a .proto of its own with protobufjs, which forgets that the entries of a map field `x` are
 * of a type `XEntry`; clients check that.
 */
function healthFiles(): readonly Buffer[] {
  const types = Object.values(healthService).map(({ requestType }) => requestType);
  const files = (types as readonly { readonly fileDescriptorProtos: readonly Buffer[] }[]).flatMap(
    ({ fileDescriptorProtos }) => fileDescriptorProtos,
  );
  return files.map((bytes) => {
    const file = fromBinary(FileDescriptorProtoSchema, bytes);
    for (const { field, nestedType } of file.messageType) {
      for (const entry of nestedType.filter(({ name, options }) => options?.mapEntry && !name.endsWith("Entry"))) {
        const mended = `${entry.name}Entry`;
        for (const one of field.filter(({ typeName }) => typeName === entry.name)) one.typeName = mended;
        entry.name = mended;
      }
    }
    return Buffer.from(toBinary(FileDescriptorProtoSchema, file));
  });
}
