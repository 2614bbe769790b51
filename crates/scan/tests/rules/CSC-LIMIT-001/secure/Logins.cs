[HttpPost("/login")]
public class LoginController : ControllerBase
{
    public async Task<IActionResult> Login(LoginRequest request)
    {
        var user = await _users.Check(request.Name, request.Password);
        var surplus = _db.UserSessions.Where(s => s.UserId == user.Id)
            .OrderByDescending(s => s.CreatedAt).Skip(MaxSessions - 1);
        _db.UserSessions.RemoveRange(surplus);
        var session = new UserSession(user.Id);
        _db.UserSessions.Add(session);
        await _db.SaveChangesAsync();
        Response.Cookies.Append("sid", session.Id, new CookieOptions { HttpOnly = true, Secure = true });
        return Ok();
    }
}
