public class LoginController : ControllerBase
{
    private readonly ISessionService _sessions;
    [HttpPost("/login")]
    public async Task<IActionResult> Login(LoginRequest request)
    {
        var user = await _users.Check(request.Name, request.Password);
        return Ok(await _sessions.Open(user));
    }
}
public class SessionService : ISessionService
{
    public async Task<string> Open(User user)
    {
        var sessions = await _db.UserSessions.Where(s => s.UserId == user.Id).ToListAsync();
        if (sessions.Count >= 5) _db.UserSessions.Remove(sessions[0]);
        _db.UserSessions.Add(new UserSession(user.Id));
        await _db.SaveChangesAsync();
    }
}
