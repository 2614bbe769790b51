using Microsoft.AspNetCore.Identity;

public class CurrentUserService
{
    public User User { get; set; }
}

public class Startup
{
    public void ConfigureServices(IServiceCollection services)
    {
        services.AddSingleton<CurrentUserService>();
    }
}

public class AccountController : Controller
{
    private readonly CurrentUserService _me;
    private readonly ShopContext _db;

    public AccountController(CurrentUserService me, ShopContext db)
    {
        _me = me;
        _db = db;
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
