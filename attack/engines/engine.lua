-- Answers with the path as Apache has read it.
function handle(r)
    r.content_type = "application/json"
    r:requestbody()
    r:puts('{"resource":"' .. r.uri .. '"}')
    return apache2.OK
end
