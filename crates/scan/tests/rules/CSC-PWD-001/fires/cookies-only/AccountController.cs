using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

public class AccountController : Controller
{
    [HttpPost("login")]
    public async Task<IActionResult> Login(LoginForm form)
    {
        var user = _db.Users.Single(u => u.Email == form.Email);
        await HttpContext.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, principalOf(user));
        return Ok();
    }

    [HttpPost("account/change-password")]
    public async Task<IActionResult> ChangePassword(PasswordForm form)
    {
        var user = _db.Users.Single(u => u.Id == form.Id);
        user.PasswordHash = _hasher.HashPassword(user, form.Password);
        await _db.SaveChangesAsync();
        return Ok();
    }
}
