-- Reads one task at one moment.
-- KEYS 1 the task's record, 2 its log. ARGV 1 the version after which messages are asked for, "status"
-- for the current status's, or "" for no messages.
-- Gives {the record's fields} or {the record's fields, the log's entries}.
local fields = redis.call('HMGET', KEYS[1], 'json', 'state', 'status_version', 'version', 'floor', 'owner')
local after = ARGV[1]
if after == '' or not fields[1] then return {fields} end
if after == 'status' then after = fields[3] end
-- Only versions that fit a stream's id are ever given out; see messages.parse_cursor().
return {fields, redis.call('XRANGE', KEYS[2], '(' .. after .. '-0', '+')}
