/** One kind of work that compute processes do: shards → partials, merged in any order. */
export interface Task<Params, Partial, Info> {
  readonly name: string;
  /** One process is enough: there is nothing to share out. */
  readonly alone?: true;
  /** In the compute process: reads the files and compiles. */
  open(params: Params): Promise<OpenTask<Partial, Info>>;
  /** In the parent. `a` may be changed and returned. */
  merge(a: Partial, b: Partial): Partial;
}

export interface OpenTask<Partial, Info> {
  /** Number of samples the task will go through. */
  readonly samples: number;
  /** Samples in one run of the model. */
  readonly batch: number;
  /** Samples in one shard at most, before rounding to whole batches; by the data alone when absent. */
  readonly shardSize?: number;
  /** Plain data that the parent needs to read the partials. */
  readonly info: Info;
  shard(from: number, to: number): Promise<Partial>;
  close(): Promise<void>;
}
