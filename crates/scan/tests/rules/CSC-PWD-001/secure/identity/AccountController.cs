using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;

public class AccountController : Controller
{
    private readonly SignInManager<User> _signInManager;
    private readonly UserManager<User> _userManager;

    [HttpPost("login")]
    public async Task<IActionResult> Login(LoginForm form)
    {
        await _signInManager.PasswordSignInAsync(form.Email, form.Password, false, true);
        return Ok();
    }

    [HttpPost("account/change-password")]
    public async Task<IActionResult> ChangePassword(PasswordForm form)
    {
        var user = await _userManager.GetUserAsync(User);
        await _userManager.ChangePasswordAsync(user, form.Old, form.New);
        return Ok();
    }
}
