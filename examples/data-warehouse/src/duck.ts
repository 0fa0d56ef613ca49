import { DuckDBInstance, type DuckDBConnection, type Json } from '@duckdb/node-api';

/** A row, with values that JSON has. */
export type Row = Record<string, Json>;

/** Opens a database for as long as the function runs; `:memory:` for none that stays. */
export async function withDatabase<T>(
  path: string,
  use: (connection: DuckDBConnection) => Promise<T>,
  options: Record<string, string> = {},
): Promise<T> {
  const database = await DuckDBInstance.create(path, { threads: '2', ...options });
  const connection = await database.connect();
  try {
    return await use(connection);
  } finally {
    connection.closeSync();
    database.closeSync();
  }
}

export async function rowsOf(connection: DuckDBConnection, sql: string, most = 1_000): Promise<Row[]> {
  const reader = await connection.streamAndReadUntil(sql, most);
  return reader.getRowObjectsJson().slice(0, most);
}
