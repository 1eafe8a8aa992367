-- Notes in one task's record that it was asked to stop.
-- KEYS 1 the record. Gives "unknown", "finished" or "asked".
local ready = redis.call('HGET', KEYS[1], 'ready')
if not ready then return 'unknown' end
if ready == '1' then return 'finished' end
redis.call('HSET', KEYS[1], 'cancel', '1')
return 'asked'
