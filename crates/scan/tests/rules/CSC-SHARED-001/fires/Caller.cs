using Microsoft.AspNetCore.Identity;

public static class Caller
{
    public static User CurrentUser { get; set; }
}

public class CallerMiddleware
{
    public async Task InvokeAsync(HttpContext context)
    {
        Caller.CurrentUser = await users.FindAsync(context.Request.Headers["Authorization"]);
        await next(context);
    }
}

public class AccountController : Controller
{
    [HttpPost("login")]
    public async Task<IActionResult> Login(LoginForm form)
    {
        await signInManager.PasswordSignInAsync(form.Name, form.Password, true, true);
        return Ok();
    }

    [HttpDelete("accounts/{id}")]
    public IActionResult Remove(string id)
    {
        if (Caller.CurrentUser.Role != "admin") return Forbid();
        return Ok();
    }
}
