-- Asks Innkeeper whether a request may go on to the application, for haproxy.cfg.
--
-- Usage: http-request lua.innkeeper http://127.0.0.1:7070/forward-auth
--
-- What is let through has txn.innkeeper = "allowed" and the headers that say who it is from, each
-- set anew. Everything else is answered here: with Innkeeper's answer, or with 503 where there is
-- none.

-- What Innkeeper says of a request, and nobody else.
local IDENTITY = {
    "remote-user",
    "remote-groups",
    "innkeeper-tenant",
    "innkeeper-session",
    "innkeeper-assurance",
}

-- What it needs of the request to say it.
local ASKED_BY = { "accept", "authorization", "cookie", "sec-fetch-mode", "x-forwarded-for" }

-- What of its answer is for the client.
local ANSWERED = { "cache-control", "content-type", "location", "retry-after", "vary", "www-authenticate" }

local TIMEOUT_MS = 10000

-- All values of a header, from HAProxy's tables, which begin at 0.
local function values(headers, name)
    local list = {}
    local found = headers[name]
    if found ~= nil then
        local place = 0
        while found[place] ~= nil do
            list[#list + 1] = found[place]
            place = place + 1
        end
    end
    return list
end

local function answer(txn, status, headers, body)
    local reply = txn:reply({ status = status, body = body })
    for name, value in pairs(headers) do
        reply:add_header(name, value)
    end
    txn:done(reply)
end

local function unavailable(txn)
    answer(txn, 503, {
        ["cache-control"] = "no-store",
        ["content-type"] = "text/plain",
        ["retry-after"] = "1",
    }, "Nobody can say now whether you are signed in. Please try again in a moment.\n")
end

core.register_action("innkeeper", { "http-req" }, function(txn, url)
    local request = txn.http:req_get_headers()
    local question = {
        ["x-forwarded-method"] = { txn.sf:method() },
        ["x-forwarded-uri"] = { txn.sf:pathq() },
    }
    for _, name in ipairs(ASKED_BY) do
        local list = values(request, name)
        if #list > 0 then
            question[name] = list
        end
    end

    local said = core.httpclient():get({ url = url, headers = question, timeout = TIMEOUT_MS })

    if said == nil or said.status == nil or said.status == 0 or said.headers == nil then
        unavailable(txn)
        return
    end
    if said.status == 200 then
        for _, name in ipairs(IDENTITY) do
            local value = values(said.headers, name)[1]
            -- Innkeeper sets each, each time. Whoever does not is not Innkeeper.
            if value == nil then
                unavailable(txn)
                return
            end
            txn.http:req_set_header(name, value)
        end
        txn:set_var("txn.innkeeper", "allowed")
        return
    end
    if said.status < 300 or said.status >= 500 then
        unavailable(txn)
        return
    end
    local headers = {}
    for _, name in ipairs(ANSWERED) do
        headers[name] = values(said.headers, name)[1]
    end
    answer(txn, said.status, headers, said.body)
end, 1)
