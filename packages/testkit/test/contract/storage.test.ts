import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "@jest/globals";
import { fileStorage, openDataDirectory } from "@foundation/core";
import { memoryStorage, type MemoryStorage } from "@foundation/core/testing";
import type { Storage } from "@foundation/core/ports";
import { storageContract, type StorageFixture } from "../../src/index.js";

interface MemoryFixture extends StorageFixture {
  readonly storage: MemoryStorage;
}

describe("memoryStorage", () => {
  storageContract(
    { describe, test },
    {
      create: (): MemoryFixture => {
        const storage = memoryStorage();
        return { storage, reopen: () => storage.reopen(), close: () => storage.close() };
      },
      crash: (fixture) => {
        (fixture as MemoryFixture).storage.crash();
        return fixture.storage;
      },
    },
  );
});

async function onDisk(
  open: (directory: string) => Storage | Promise<Storage>,
): Promise<StorageFixture> {
  const directory = await mkdtemp(join(tmpdir(), "foundation-storage-"));
  const storage = await open(directory);
  const close = async (): Promise<void> => {
    await storage.close();
    await rm(directory, { recursive: true });
  };
  return { storage, reopen: () => open(directory), close };
}

describe("fileStorage", () => {
  storageContract({ describe, test }, { create: () => onDisk(fileStorage) });
});

describe("openDataDirectory", () => {
  storageContract({ describe, test }, { create: () => onDisk(openDataDirectory) });
});
