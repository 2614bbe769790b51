using Microsoft.AspNetCore.Identity;

public class CurrentUserService
{
    public User User { get; set; }
}

public class Startup
{
    public void ConfigureServices(IServiceCollection services)
    {
        services.AddScoped<CurrentUserService>();
    }
}

public class AccountController : Controller
{
    private readonly CurrentUserService _me;

    public AccountController(CurrentUserService me)
    {
        _me = me;
    }

    [HttpPost("login")]
    public async Task<IActionResult> Login(LoginForm form)
    {
        var user = await _db.Users.FirstOrDefaultAsync(u => u.Email == form.Email);
        await signInManager.SignInAsync(user, true);
        _me.User = user;
        return Ok();
    }

    [HttpDelete("accounts/{id}")]
    public IActionResult Remove(string id)
    {
        if (!_me.User.IsAdmin) return Forbid();
        return Ok();
    }
}
