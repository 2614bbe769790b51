#!lua name=innkeeper

-- What the nodes of an authority ask of the server they share. Each function is one step: nothing
-- happens between what it compares and what it writes.
--
-- They decide nothing. A node reads, decides, and names what it decided for; a function compares
-- that with what is there, and writes or refuses. What a node is told is `moved` (look again),
-- `stale` (decide again), or whatever a function says below.
--
-- Keys, all of which begin with `innkeeper:`:
--   store                       numbers of the whole store
--   {NN}:roster:TAG             a roster: its record, a record a session (s:), a visit a session
--                               (v:), the end of each answer that may be given again (k:)
--   {NN}:personal:TAG           what is personal of its journal entries, by their ids
--   journal                     a stream: one entry a commit
--   key:DIGEST                  an answer that may have to be given again
--   rosters                     the tags of all rosters, in their order
--   seats:GENERATION:TENANT     when each session of a tenant expires unless it is heard from
--   tenants                     tenants that have such a list
--   register, names             values that are not sessions; under no name the highest version
--                               that a removed one had
-- NN is the shard: the first six bits of the tag.

local FORMAT = 1
local STORE = 'innkeeper:store'
local JOURNAL = 'innkeeper:journal'
local ROSTERS = 'innkeeper:rosters'
local TENANTS = 'innkeeper:tenants'
local REGISTER = 'innkeeper:register'
local NAMES = 'innkeeper:names'

-- How far ahead a ceiling of time is written, in milliseconds.
local AHEAD = 2000
-- How much longer than it counts an answer is kept. The clock of the store says when it is over;
-- that of the server only clears away.
local DUSTBIN = 3600000
-- How many entries or names one step goes through.
local PAGE = 200

local function text(number)
  return string.format('%.0f', number)
end

local function key_of(kind, tag)
  local shard = math.floor(tonumber(string.sub(tag, 1, 2), 16) / 4)
  return string.format('innkeeper:{%02d}:%s:%s', shard, kind, tag)
end

local function seats_of(generation, tenant)
  return 'innkeeper:seats:' .. generation .. ':' .. tenant
end

-- The last time that was handed out of each store on this server. It is gone when the server or
-- this library starts anew; time goes on at the ceiling then.
local last = {}

-- The store's time: the server's clock, except that it never falls. `floor` is what the node knows
-- to have passed, so that time does not stand still under a clock that was set back; `wall` stands
-- in for the server's clock in tests.
local function clock(store, floor, wall)
  local time
  if wall ~= '' then
    time = tonumber(wall)
  else
    local parts = redis.call('TIME')
    time = tonumber(parts[1]) * 1000 + math.floor(tonumber(parts[2]) / 1000)
  end
  local ceiling = tonumber(store.ceiling)
  local now = math.max(time, tonumber(floor), last[store.id] or ceiling)
  last[store.id] = now
  if now + AHEAD / 2 > ceiling then
    redis.call('HSET', STORE, 'ceiling', text(now + AHEAD))
  end
  return now
end

local FIELDS = {
  'id', 'ceiling', 'generation', 'epoch', 'floor_generation', 'floor_before', 'floor_version',
  'newest', 'mark', 'place', 'death', 'death_mark', 'trimmed',
}

-- Makes a function of the library. Arguments begin with the number of the call and the roster,
-- which come back in the answer, so that no node takes one answer for another.
local function serve(name, flags, work)
  redis.register_function{
    function_name = 'innkeeper_' .. name,
    flags = flags,
    callback = function(keys, args)
      local held = redis.call('HMGET', STORE, unpack(FIELDS))
      if not held[1] then
        return {args[1], args[2], 'absent'}
      end
      local store = {}
      for i, field in ipairs(FIELDS) do
        store[field] = held[i]
      end
      local now = clock(store, args[3], args[4])
      local place = 4
      local function take()
        place = place + 1
        return args[place]
      end
      local status, more = work(store, now, take, args[2], keys[1])
      return {
        args[1], args[2], status, text(now), store.generation, store.epoch,
        store.floor_generation, store.floor_before, store.floor_version, store.newest, store.mark,
        store.death, store.death_mark, store.id, more or {},
      }
    end,
  }
end

-- Without this flag a function that may write does nothing while memory is full. No function has
-- `no-writes`: one that has would answer on a replica too, from what was true a while ago.
local ALWAYS = {'allow-oom'}

-- What moves in a session between commits, as text: when it was heard from, its idle timeout, its
-- last deadline, whether its roster lets it live, and the end of its previous token's grace.
local function read_visit(visit)
  local seen, idle, absolute, fence, grace =
    string.match(visit or '', '^(%d+) (%d+) (%d+) ([01]) ([%d-]+)$')
  return seen and {
    seen = tonumber(seen), idle = idle, absolute = absolute, fence = fence, grace = grace,
  }
end

local function expires_at(visit)
  return math.min(visit.seen + tonumber(visit.idle), tonumber(visit.absolute))
end

local function nearer(one, other)
  return tonumber(one) <= tonumber(other) and one or other
end

local function write_visit(key, seats, tag, serial, visit)
  local written = table.concat(
    {text(visit.seen), visit.idle, visit.absolute, visit.fence, visit.grace}, ' ')
  redis.call('HSET', key, 'v:' .. serial, written)
  if visit.fence == '1' then
    redis.call('ZADD', seats, text(expires_at(visit)), tag .. serial)
  else
    redis.call('ZREM', seats, tag .. serial)
  end
  return written
end

-- A roster as it lies, and what is remembered under a key.
serve('read', ALWAYS, function(store, now, take, tag, key)
  local digest = take()
  local answer = digest ~= '' and redis.call('GET', 'innkeeper:key:' .. digest)
  return 'done', {redis.call('HGETALL', key), answer or false}
end)

-- One commit. It was decided for a version whose journal ended so, on this ground, and stands until
-- a moment; before `steady`, time alone has changed nothing of what the node made of it.
local function commit(store, now, take, tag, key)
  local version, journal, generation, epoch = take(), take(), take(), take()
  local is_death = take() == '1'
  local stands, steady = tonumber(take()), tonumber(take())
  local held = redis.call('HMGET', key, 'version', 'journal')
  if (held[1] or '') ~= version or (held[2] or '') ~= journal
    or store.generation ~= generation or store.epoch ~= epoch or now >= steady then
    return 'moved'
  end
  if now >= stands then
    return 'stale'
  end
  local answers = {}
  for i = 1, tonumber(take()) do
    answers[i] = {digest = take(), till = take(), record = take()}
    local known = redis.call('GET', 'innkeeper:key:' .. answers[i].digest)
    if known and now < tonumber(string.match(known, '^%d+')) then
      return 'stale'
    end
  end
  local tenant, room = take(), take()
  local seats = seats_of(generation, tenant)
  if room ~= '' then
    local others = redis.call('ZCOUNT', seats, '(' .. text(now), '+inf')
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.sub(field, 1, 2) == 'v:' then
        local till = redis.call('ZSCORE', seats, tag .. string.sub(field, 3))
        if till and tonumber(till) > now then
          others = others - 1
        end
      end
    end
    if others > tonumber(room) then
      return 'full'
    end
  end

  -- From here on everything is written, and first what could fail.
  store.place = text(tonumber(store.place) + 1)
  local id = generation .. '-' .. store.place
  store.newest = id
  local entry, personal = take(), take()
  redis.call('XADD', JOURNAL, id, 'tag', tag, 'entry', entry)
  if personal ~= '' then
    redis.call('HSET', key_of('personal', tag), id, personal)
  end
  local after = take()
  store.mark = take()
  redis.call('HSET', key, 'version', after, 'journal', store.mark, 'high', text(now),
    'generation', generation, 'tenant', tenant, 'record', take())
  redis.call('HSET', STORE, 'newest', id, 'mark', store.mark, 'place', store.place)
  if is_death then
    store.death, store.death_mark = id, store.mark
    redis.call('HSET', STORE, 'death', id, 'death_mark', store.mark)
  end
  local highs = redis.call('HMGET', STORE, 'generation_high', 'version_high')
  local fence = take()
  if tonumber(fence) > tonumber(highs[1]) then
    redis.call('HSET', STORE, 'generation_high', fence)
  end
  if tonumber(after) > tonumber(highs[2]) then
    redis.call('HSET', STORE, 'version_high', after)
  end
  for _ = 1, tonumber(take()) do
    local serial = take()
    redis.call('HDEL', key, 's:' .. serial, 'v:' .. serial)
    redis.call('ZREM', seats, tag .. serial)
  end
  -- Sessions that are new or other than before. A visit since the node looked is not undone.
  for _ = 1, tonumber(take()) do
    local serial, record = take(), take()
    local visit = {
      seen = tonumber(take()), idle = take(), absolute = take(), fence = take(), grace = take(),
    }
    local is_same_grace = take() == '1'
    local before = read_visit(redis.call('HGET', key, 'v:' .. serial))
    if before then
      visit.seen = math.max(visit.seen, before.seen)
      if is_same_grace and visit.grace ~= '-' and before.grace ~= '-' then
        visit.grace = nearer(visit.grace, before.grace)
      end
    end
    redis.call('HSET', key, 's:' .. serial, record)
    write_visit(key, seats, tag, serial, visit)
  end
  -- Sessions that are as before, in a roster that lets others live than before.
  for _ = 1, tonumber(take()) do
    local serial = take()
    local visit = read_visit(redis.call('HGET', key, 'v:' .. serial))
    visit.fence = take()
    write_visit(key, seats, tag, serial, visit)
  end
  for _ = 1, tonumber(take()) do
    redis.call('HDEL', key, 'k:' .. take())
  end
  for _, answer in ipairs(answers) do
    local kept = math.max(tonumber(answer.till) - now, 0) + DUSTBIN
    redis.call('HSET', key, 'k:' .. answer.digest, answer.till)
    redis.call('SET', 'innkeeper:key:' .. answer.digest, answer.till .. ' ' .. answer.record,
      'PX', text(kept))
  end
  if version == '' then
    redis.call('ZADD', ROSTERS, 0, tag)
    redis.call('SADD', TENANTS, tenant)
  end
  redis.call('PUBLISH', 'innkeeper:' .. store.id, tag .. ' ' .. after)
  return 'done'
end
serve('commit', {}, commit)
-- A commit that adds nobody: it is allowed when memory is full.
serve('end', ALWAYS, commit)

-- A visit of now, or of an earlier moment, to a session that is live. It never makes one.
serve('visit', ALWAYS, function(store, now, take, tag, key)
  local serial, at, grace = take(), take(), take()
  local held = redis.call('HMGET', key, 'generation', 'high', 'tenant', 's:' .. serial,
    'v:' .. serial)
  local visit = read_visit(held[5])
  if not visit or not held[4] or held[1] ~= store.generation or visit.fence ~= '1'
    or math.max(now, tonumber(held[2])) >= expires_at(visit) then
    return 'dead'
  end
  visit.seen = math.max(visit.seen, at == '' and now or math.min(tonumber(at), now))
  if grace ~= '' and visit.grace ~= '-' then
    visit.grace = nearer(grace, visit.grace)
  end
  local written = write_visit(key, seats_of(store.generation, held[3]), tag, serial, visit)
  return 'done', {held[4], written}
end)

-- More failed sign-ins of a roster that is there.
serve('failures', ALWAYS, function(store, now, take, tag, key)
  if redis.call('HEXISTS', key, 'version') == 1 then
    local count = tonumber(redis.call('HGET', key, 'failures') or 0) + tonumber(take())
    redis.call('HSET', key, 'failures', text(math.min(count, 4294967295)))
  end
  return 'done'
end)

-- Lets go of a roster that still has the version for which the node found nothing left in it.
serve('forget', ALWAYS, function(store, now, take, tag, key)
  if redis.call('HGET', key, 'version') ~= take() then
    return 'moved'
  end
  redis.call('UNLINK', key)
  redis.call('ZREM', ROSTERS, tag)
  return 'done'
end)

-- Tags after one, in their order.
serve('walk', ALWAYS, function(store, now, take)
  local after, limit = take(), take()
  local from = after == '' and '-' or '(' .. after
  return 'done', redis.call('ZRANGEBYLEX', ROSTERS, from, '+', 'LIMIT', 0, limit)
end)

-- Journal entries after one. A cursor is good if its entry is there, or is the last that went.
serve('tail', ALWAYS, function(store, now, take)
  local after, limit = take(), math.min(tonumber(take()), PAGE)
  local from = '-'
  if after ~= '' then
    if after ~= store.trimmed and #redis.call('XRANGE', JOURNAL, after, after) == 0 then
      return 'gone'
    end
    from = '(' .. after
  end
  local entries = {}
  for i, found in ipairs(redis.call('XRANGE', JOURNAL, from, '+', 'COUNT', limit)) do
    local id, fields = found[1], found[2]
    local personal = redis.call('HGET', key_of('personal', fields[2]), id)
    entries[i] = {id, fields[4], personal or false}
  end
  return 'done', entries
end)

-- The id of the last entry, kept or not.
serve('latest', ALWAYS, function(store)
  return 'done', {store.mark ~= '' and store.newest or ''}
end)

-- One entry, or none.
serve('entry', ALWAYS, function(store, now, take)
  local id = take()
  local found = redis.call('XRANGE', JOURNAL, id, id)[1]
  return 'done', {found and found[2][4] or false, store.trimmed or ''}
end)

-- Lets go of the first entries, up to and with one, and of what is personal in them.
serve('trim', ALWAYS, function(store, now, take)
  local through = take()
  if #redis.call('XRANGE', JOURNAL, through, through) == 0 then
    return 'done'
  end
  local gone = redis.call('XRANGE', JOURNAL, '-', through, 'COUNT', PAGE)
  local ids = {}
  for i, found in ipairs(gone) do
    ids[i] = found[1]
    redis.call('HDEL', key_of('personal', found[2][2]), found[1])
  end
  redis.call('HSET', STORE, 'trimmed', ids[#ids])
  redis.call('XDEL', JOURNAL, unpack(ids))
  return ids[#ids] == through and 'done' or 'more'
end)

-- Erases what is personal in the entries of a roster.
serve('erase', ALWAYS, function(store, now, take, tag)
  redis.call('UNLINK', key_of('personal', tag))
  return 'done'
end)

-- Erases what is personal in single entries, as far as they are kept.
serve('erase_entries', ALWAYS, function(store, now, take)
  for _ = 1, tonumber(take()) do
    local id = take()
    local found = redis.call('XRANGE', JOURNAL, id, id)[1]
    if found then
      redis.call('HDEL', key_of('personal', found[2][2]), id)
    end
  end
  return 'done'
end)

-- When the floor rose, and the highest numbers that rosters have reached.
serve('floor', ALWAYS, function()
  return 'done', redis.call('HMGET', STORE, 'rose_at', 'generation_high', 'version_high')
end)

local function raise(store, take)
  store.epoch, store.floor_generation, store.floor_before, store.floor_version =
    take(), take(), take(), take()
  redis.call('HSET', STORE, 'epoch', store.epoch, 'floor_generation', store.floor_generation,
    'floor_before', store.floor_before, 'floor_version', store.floor_version,
    'generation_high', store.floor_generation)
end

-- Raises the floor above the numbers that the node saw, if they are still the highest.
serve('raise_floor', ALWAYS, function(store, now, take)
  local epoch, generations, versions = take(), take(), take()
  local highs = redis.call('HMGET', STORE, 'generation_high', 'version_high')
  if store.epoch ~= epoch or highs[1] ~= generations or highs[2] ~= versions then
    return 'moved'
  end
  raise(store, take)
  redis.call('HSET', STORE, 'rose_at', text(now))
  return 'done'
end)

-- Raises the generation of the store, under which no session from before is live.
serve('raise_generation', ALWAYS, function(store, now, take)
  if store.generation ~= take() then
    return 'moved'
  end
  for _, tenant in ipairs(redis.call('SMEMBERS', TENANTS)) do
    redis.call('UNLINK', seats_of(store.generation, tenant))
  end
  store.generation = take()
  redis.call('HSET', STORE, 'generation', store.generation)
  raise(store, take)
  redis.call('PUBLISH', 'innkeeper:' .. store.id, 'all')
  return 'done'
end)

-- Goes on with the journal behind the last place that a node has seen: what was lost since is not
-- numbered a second time, and a reader who had it is told that it is gone.
serve('go_on_behind', ALWAYS, function(store, now, take)
  if store.generation ~= take() then
    return 'moved'
  end
  local place = take()
  if tonumber(store.place) < tonumber(place) then
    redis.call('HSET', STORE, 'place', place)
  end
  redis.call('PUBLISH', 'innkeeper:' .. store.id, 'all')
  return 'done'
end)

-- A word of a node to itself, on the channel of notices.
serve('echo', ALWAYS, function(store, now, take)
  redis.call('PUBLISH', 'innkeeper:' .. store.id, take())
  return 'done'
end)

-- Something to write, so that whoever waits for it to be on disk waits for all before it.
serve('sync', ALWAYS, function()
  redis.call('HINCRBY', STORE, 'syncs', 1)
  return 'done'
end)

-- Writes down where time is: for a proper stop.
serve('rest', ALWAYS, function(store, now)
  redis.call('HSET', STORE, 'ceiling', text(now))
  return 'done'
end)

-- A value of the register: its version, whether it is there, and the value.
local function registered(name)
  local held = redis.call('HGET', REGISTER, name)
  local version, is_there = string.match(held or '', '^(%d+)([+-])')
  return version, is_there == '+', held
end

serve('get', ALWAYS, function(store, now, take)
  local _, is_there, held = registered(take())
  return 'done', {is_there and held or false}
end)

-- The next version of a value that still has the one the node saw. A name without a value begins
-- above all that were removed, so that no version comes back.
local function next_version(name, seen)
  local version, is_there = registered(name)
  if (is_there and version or '') ~= seen then
    return nil
  end
  return tonumber(is_there and version or registered('') or 0) + 1
end

serve('put', {}, function(store, now, take)
  local name, seen, value = take(), take(), take()
  local version = next_version(name, seen)
  if not version then
    return 'stale'
  end
  redis.call('HSET', REGISTER, name, text(version) .. '+' .. value)
  redis.call('ZADD', NAMES, 0, name)
  return 'done', {text(version)}
end)

-- Of a removed one nothing is left but how high it came.
serve('remove', ALWAYS, function(store, now, take)
  local name, seen = take(), take()
  local version = next_version(name, seen)
  if not version then
    return 'stale'
  end
  redis.call('HDEL', REGISTER, name)
  redis.call('ZREM', NAMES, name)
  local highest = math.max(version, tonumber(registered('') or 0))
  redis.call('HSET', REGISTER, '', text(highest) .. '-')
  return 'done', {text(version)}
end)

-- Values whose names begin so, from a name on, in the order of their names; and the name after
-- which the next page begins, if there may be more.
serve('list', ALWAYS, function(store, now, take)
  local prefix, after = take(), take()
  local from = after == '' and '[' .. prefix or '(' .. after
  local names = redis.call('ZRANGEBYLEX', NAMES, from, '+', 'LIMIT', 0, PAGE)
  local found, go_on = {}, #names == PAGE and names[PAGE] or false
  for _, name in ipairs(names) do
    if string.sub(name, 1, #prefix) ~= prefix then
      go_on = false
      break
    end
    local _, is_there, held = registered(name)
    if is_there then
      found[#found + 1] = {name, held}
    end
  end
  return 'done', {go_on, found}
end)

-- What there is: the format of this library, that of the store or none, and the server's time.
redis.register_function{
  function_name = 'innkeeper_about',
  flags = ALWAYS,
  callback = function()
    local parts = redis.call('TIME')
    local time = tonumber(parts[1]) * 1000 + math.floor(tonumber(parts[2]) / 1000)
    return {text(FORMAT), redis.call('HGET', STORE, 'format'), text(time)}
  end,
}

-- Makes a store where none is.
redis.register_function{
  function_name = 'innkeeper_make',
  flags = {},
  callback = function(keys, args)
    if redis.call('EXISTS', STORE) == 0 then
      local parts = redis.call('TIME')
      redis.call('HSET', STORE, 'format', text(FORMAT), 'id', parts[1] .. '-' .. parts[2],
        'ceiling', '0', 'newest', '0-0', 'mark', '', 'place', '0', 'death', '0-0', 'death_mark', '',
        'generation', args[1], 'epoch', args[2],
        'floor_generation', args[3], 'floor_before', args[4], 'floor_version', args[5],
        'generation_high', args[3], 'version_high', args[5], 'rose_at', args[6])
    end
    return 'done'
  end,
}
