-- Reads one task at one moment.
-- KEYS 1 the task's record, 2 its log. ARGV 1 the version after which messages are asked for, "status"
-- for the current status's, or "" for no messages.
-- Gives nothing for an unknown task, else {the record's fields in one string, its owner} or {the record's
-- fields, its owner, the log's entries}. A 31 is between two fields: JSON never holds one as it is, and the
-- state, which may, comes last. An answer in few pieces costs the reader a third of one in many.
local fields = redis.call('HMGET', KEYS[1], 'json', 'status_version', 'version', 'floor', 'state', 'owner')
if not fields[1] then return false end
local after = ARGV[1]
if after == 'status' then after = fields[2] end
local record, owner = table.concat(fields, '\31', 1, 5), fields[6] or ''
if after == '' then return {record, owner} end
-- Only versions that fit a stream's id are ever given out; see messages.parse_cursor().
return {record, owner, redis.call('XRANGE', KEYS[2], '(' .. after .. '-0', '+')}
