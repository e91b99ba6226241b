/** What the log takes: as documents, and on disk. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';

const DATABASE = 'studio';

export interface LogSize {
  readonly commits: number;
  readonly commitBytes: number;
  readonly checkpointBytes: number;
}

/** BSON bytes of one blob's commits and checkpoints. */
export async function logSize(url: string, blobId: string): Promise<LogSize> {
  const mongo = new MongoClient(url);
  try {
    const database = mongo.db(DATABASE);
    const sum = async (name: string): Promise<{ count: number; bytes: number }> => {
      let [count, bytes] = [0, 0];
      const cursor = database.collection(name).find({ blob_id: blobId }, { raw: true, batchSize: 500 });
      for await (const document of cursor) {
        count += 1;
        bytes += (document as unknown as Buffer).byteLength;
      }
      return { count, bytes };
    };
    const commits = await sum('commits');
    const checkpoints = await sum('checkpoints');
    return { commits: commits.count, commitBytes: commits.bytes, checkpointBytes: checkpoints.bytes };
  } finally {
    await mongo.close();
  }
}

/** Bytes of the files in a folder, as the disk holds them. */
export async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // One that is gone by now takes nothing.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += (found?.blocks ?? 0) * 512;
  }
  return bytes;
}
