-- Reads one task at one moment.
-- KEYS 1 the task's record, 2 its log. ARGV 1 the version after which messages are asked for, "status"
-- for the current status's, or "" for no messages.
-- Gives nothing for an unknown task, else {the record's fields in one string} or {the record's fields,
-- the log's entries}. A 31 is between two fields, which JSON never holds as it is: an answer in one piece
-- costs the reader a quarter of one in seven.
local fields = redis.call('HMGET', KEYS[1], 'json', 'state', 'status_version', 'version', 'floor', 'owner')
if not fields[1] then return false end
local after = ARGV[1]
if after == 'status' then after = fields[3] end
fields[6] = fields[6] or ''
local record = table.concat(fields, '\31')
if after == '' then return {record} end
-- Only versions that fit a stream's id are ever given out; see messages.parse_cursor().
return {record, redis.call('XRANGE', KEYS[2], '(' .. after .. '-0', '+')}
