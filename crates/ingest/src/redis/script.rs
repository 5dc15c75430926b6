//! The one script: moves a batch, whole or not at all.
//!
//! Redis runs a script without anybody between its commands, and writes its effects to the append-only file and to
//! replicas as one transaction. It stays below one slice beyond the bound in memory however long the list is.

use redis::Pipeline;

use super::BatchMax;
use super::names::ListNames;

/// `KEYS`: the list, the processing list, the index. `ARGV`: entries and bytes at most.
///
/// The `DEL` deletes nothing: names are used once. It is there because a Redis that is at its `maxmemory` refuses
/// `RPUSH` from a script unless the script has written something before, and then nobody could empty the list.
const MOVE: &str = "\
local entries, count, bytes = {}, 0, 0
local most, bytes_most = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('DEL', KEYS[2])
while count < most do
  local slice = redis.call('LRANGE', KEYS[1], count, math.min(count + 63, most - 1))
  local taken = 0
  for i = 1, #slice do
    bytes = bytes + #slice[i]
    if bytes > bytes_most and count > 0 then break end
    taken, count = i, count + 1
    entries[count] = slice[i]
  end
  if taken > 0 then redis.call('RPUSH', KEYS[2], unpack(slice, 1, taken)) end
  if taken < 64 then break end
end
if count > 0 then
  redis.call('SADD', KEYS[3], KEYS[2])
  redis.call('LTRIM', KEYS[1], count, -1)
end
return entries";

/// Adds the moving of a batch to a pipeline; its answer is the entries, none where the list is empty.
pub(super) fn add_move(pipeline: &mut Pipeline, names: &ListNames, list: &str, max: BatchMax) {
    pipeline.cmd("EVAL").arg(MOVE).arg(3).arg(&names.key).arg(list).arg(&names.index);
    pipeline.arg(max.entries).arg(max.bytes);
}

/// Adds the deletion of a batch that is dealt with; its answers are whether the list was there, and whether the index
/// had it.
pub(super) fn add_release(pipeline: &mut Pipeline, names: &ListNames, list: &str) {
    pipeline.cmd("DEL").arg(list);
    pipeline.cmd("SREM").arg(&names.index).arg(list);
}
