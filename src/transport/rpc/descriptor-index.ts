import { toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescExtension, DescFile, DescService } from '@bufbuild/protobuf';

/** Every file behind some services, found by name, by any symbol declared in it, and by the extensions it holds. */
export class DescriptorIndex {
  readonly services: readonly string[];
  readonly #files = new Map<string, DescFile>();
  readonly #symbols = new Map<string, DescFile>();
  readonly #extensions = new Map<string, Map<number, DescExtension>>();
  readonly #closures = new Map<DescFile, readonly Uint8Array[]>();

  /** `files` are added beside those of the services: no RPC names the details that errors carry. */
  constructor(services: readonly DescService[], files: readonly DescFile[] = []) {
    this.services = services.map(({ typeName }) => typeName).sort();
    for (const file of files) this.#add(file);
    for (const service of services) this.#add(service.file);
  }

  file(name: string): readonly Uint8Array[] | undefined {
    return this.#closure(this.#files.get(name));
  }

  symbol(name: string): readonly Uint8Array[] | undefined {
    return this.#closure(this.#symbols.get(name.replace(/^\./, '')));
  }

  extension(extendee: string, number: number): readonly Uint8Array[] | undefined {
    return this.#closure(this.#extensions.get(extendee)?.get(number)?.file);
  }

  /** Numbers of the known extensions of a message; undefined when the message itself is unknown. */
  extensionNumbers(extendee: string): readonly number[] | undefined {
    const known = this.#extensions.get(extendee);
    return known ? [...known.keys()] : this.#symbols.has(extendee) ? [] : undefined;
  }

  #add(file: DescFile): void {
    if (this.#files.has(file.proto.name)) return;
    this.#files.set(file.proto.name, file);
    for (const type of nestedTypes(file)) {
      this.#symbols.set(type.typeName, file);
      if (type.kind === 'service')
        for (const { name } of type.methods) this.#symbols.set(`${type.typeName}.${name}`, file);
      if (type.kind === 'message')
        for (const { name } of type.fields) this.#symbols.set(`${type.typeName}.${name}`, file);
      if (type.kind === 'enum')
        for (const { name } of type.values) this.#symbols.set(`${enclosing(type.typeName)}${name}`, file);
      if (type.kind === 'extension') this.#addExtension(type);
    }
    for (const dependency of file.dependencies) this.#add(dependency);
  }

  #addExtension(extension: DescExtension): void {
    const ofType = this.#extensions.get(extension.extendee.typeName) ?? new Map<number, DescExtension>();
    this.#extensions.set(extension.extendee.typeName, ofType.set(extension.number, extension));
  }

  /** The file and all it imports, itself first, each serialized; clients link them without asking again. */
  #closure(file: DescFile | undefined): readonly Uint8Array[] | undefined {
    if (!file) return undefined;
    const known = this.#closures.get(file);
    if (known) return known;
    const seen = new Set<DescFile>();
    const visit = (next: DescFile): void => {
      if (seen.has(next)) return;
      seen.add(next);
      next.dependencies.forEach(visit);
    };
    visit(file);
    const closure = [...seen].map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
    this.#closures.set(file, closure);
    return closure;
  }
}

/** Enum values are named beside their enum, not in it. */
function enclosing(typeName: string): string {
  return typeName.slice(0, typeName.lastIndexOf('.') + 1);
}
