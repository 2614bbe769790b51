using Microsoft.AspNetCore.Identity;

public class CurrentUserService
{
    public static User User { get; set; }
}

public class AccountController : Controller
{
    [HttpPost("login")]
    public async Task<IActionResult> Login([FromBody] LoginRequest request)
    {
        var user = await _db.Users.SingleOrDefaultAsync(u => u.Email == request.Email);
        await signInManager.SignInAsync(user, true);
        CurrentUserService.User = user;
        return Ok();
    }

    [HttpDelete("accounts/{id}")]
    public IActionResult Remove(string id)
    {
        if (CurrentUserService.User.Role != "admin") return Forbid();
        return Ok();
    }
}
