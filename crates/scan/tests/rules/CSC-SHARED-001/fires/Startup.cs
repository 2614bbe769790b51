using Microsoft.AspNetCore.Identity;

public class CallerService
{
    private User _currentUser;

    public void Enter(HttpContext context)
    {
        _currentUser = Find(context.Request.Headers["Authorization"]);
    }

    public bool MayRead(Document document)
    {
        return _currentUser.Id == document.OwnerId;
    }
}

public class Startup
{
    public void ConfigureServices(IServiceCollection services)
    {
        services.AddSingleton<CallerService>();
    }
}

public class AccountController : Controller
{
    public async Task<IActionResult> Login(LoginForm form)
    {
        await signInManager.PasswordSignInAsync(form.Name, form.Password, true, true);
        return Ok();
    }
}
